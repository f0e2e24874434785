import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskErrorRecorded } from '../events/index.js';
import type { Task } from '../task/index.js';
import { allowOperator } from './lease-check.js';
import { UpdateTaskError } from './update-task-error.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(UpdateTaskError)
export class UpdateTaskErrorHandler extends TaskCommandHandler<UpdateTaskError> {
  decide(task: Task, command: UpdateTaskError): AnyTaskEvent[] {
    allowOperator(task, command);
    return [new TaskErrorRecorded({ error: command.error })];
  }
}
