import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskCancelled } from '../events/index.js';
import type { Task } from '../task/index.js';
import { CancelTask } from './cancel-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(CancelTask)
export class CancelTaskHandler extends TaskCommandHandler<CancelTask> {
  decide(_task: Task, { reason }: CancelTask): AnyTaskEvent[] {
    return [new TaskCancelled(reason === undefined ? {} : { reason })];
  }
}
