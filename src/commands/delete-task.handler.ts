import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskCancelled, TaskDeleted } from '../events/index.js';
import { type Task, isFinal } from '../task/index.js';
import { DeleteTask } from './delete-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(DeleteTask)
export class DeleteTaskHandler extends TaskCommandHandler<DeleteTask> {
  decide(task: Task, { reason }: DeleteTask): AnyTaskEvent[] {
    const why = reason === undefined ? {} : { reason };
    const deleted = new TaskDeleted(why);
    return isFinal(task) ? [deleted] : [new TaskCancelled(why), deleted];
  }
}
