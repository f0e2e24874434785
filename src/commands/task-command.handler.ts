import { Injectable } from '@nestjs/common';
import type { CommandAnswer } from '@taskmanager/protocol';
import { type CommandContext, contextOf } from '../context/index.js';
import type { AnyTaskEvent } from '../events/index.js';
import type { Task } from '../task/index.js';
import { CommandExecutor } from './command-executor.js';
import type { Outcome } from './execution.js';
import type { TaskCommand } from './task-command.js';

/**
 * The handler of a command about one task that exists. Subclasses say what happens, in `decide`; the
 * transition table refuses it where the status is wrong.
 */
@Injectable()
export abstract class TaskCommandHandler<C extends TaskCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  /** Pure: the events that follow, none if it changes nothing. Throws Refusal. */
  abstract decide(task: Task, command: C, context: CommandContext): AnyTaskEvent[];

  async execute(command: C): Promise<CommandAnswer> {
    return (await this.run(command)).answer;
  }

  protected run(command: C): Promise<Outcome> {
    return this.executor.execute({
      taskId: command.id,
      command: (command.constructor as { message?: string }).message ?? command.constructor.name,
      context: contextOf(command),
      // The executor has refused a task that does not exist.
      decide: (task, context) => (task ? this.decide(task, command, context) : []),
    });
  }
}
