import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskErrorRecorded } from '../events/index.js';
import type { Task } from '../task/index.js';
import { UpdateTaskError } from './update-task-error.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(UpdateTaskError)
export class UpdateTaskErrorHandler extends TaskCommandHandler<UpdateTaskError> {
  decide(_task: Task, { error }: UpdateTaskError): AnyTaskEvent[] {
    return [new TaskErrorRecorded({ error })];
  }
}
