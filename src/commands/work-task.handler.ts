import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type CommandAnswer, type Json, LIMITS } from '@taskmanager/protocol';
import { contextOf, withContext } from '../context/index.js';
import { CreateTask } from './create-task.command.js';
import type { WorkTask } from './new-task.js';
import { messageOf } from './task-command.js';

const APP_NAME = 'taskmanager';

/** What a task of one of our types is made of. */
export interface Work {
  readonly taskType: string;
  /** For people; cut to what a name may have. */
  readonly name: string;
  /** The fields that are the task's input; those left out are undefined. */
  readonly input: Readonly<Record<string, Json | undefined>>;
}

/**
 * The handler of a command that makes a task of a type that comes with TaskManager. It sends the one
 * `create_task` that the command stands for, in the same context: so it is as idempotent, and as
 * refused, as that.
 */
@Injectable()
export abstract class WorkTaskHandler<C extends WorkTask> {
  constructor(private readonly commandBus: CommandBus) {}

  /** Pure. */
  abstract work(command: C): Work;

  /** A TaskHandle, with what every command answers. */
  async execute(command: C): Promise<CommandAnswer> {
    const { taskType, name, input } = this.work(command);
    const given = Object.entries(input).filter(([, value]) => value !== undefined);
    // Whatever of the command is not the work itself is about the task: create_task has those fields.
    const about = Object.entries(command).filter(([field]) => !Object.hasOwn(input, field));
    const create = messageOf(CreateTask, {
      appName: APP_NAME,
      ...(Object.fromEntries(about) as Omit<WorkTask, never>),
      name: name.slice(0, LIMITS.nameLength),
      taskType,
      input: Object.fromEntries(given) as Json,
      runBy: 'worker',
      persistent: true,
    });
    return this.commandBus.execute<CreateTask, CommandAnswer>(
      withContext(create, contextOf(command)),
    );
  }
}
