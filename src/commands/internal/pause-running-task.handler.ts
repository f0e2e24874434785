import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../context/index.js';
import type { AnyTaskEvent } from '../../events/index.js';
import type { Task } from '../../task/index.js';
import { CommandExecutor } from '../command-executor.js';
import { PauseTaskHandler } from '../pause-task.handler.js';
import { PauseRunningTask } from './pause-running-task.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(PauseRunningTask)
export class PauseRunningTaskHandler extends TaskCommandHandler<PauseRunningTask> {
  constructor(
    executor: CommandExecutor,
    private readonly pause: PauseTaskHandler,
  ) {
    super(executor);
  }

  decide(task: Task, command: PauseRunningTask, context: CommandContext): AnyTaskEvent[] {
    return task.status === 'running' ? this.pause.decide(task, command, context) : [];
  }
}
