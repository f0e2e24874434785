import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskDataUpdated } from '../events/index.js';
import type { Task } from '../task/index.js';
import { requireLease } from './lease-check.js';
import { UpdateTaskData } from './update-task-data.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(UpdateTaskData)
export class UpdateTaskDataHandler extends TaskCommandHandler<UpdateTaskData> {
  decide(task: Task, command: UpdateTaskData): AnyTaskEvent[] {
    requireLease(task, command);
    return [new TaskDataUpdated({ data: command.data })];
  }
}
