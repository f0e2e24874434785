import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskDeleted } from '../../events/index.js';
import { type Task, isFinal } from '../../task/index.js';
import { CleanUpTask } from './clean-up-task.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(CleanUpTask)
export class CleanUpTaskHandler extends TaskCommandHandler<CleanUpTask> {
  decide(task: Task, { statuses, completedBefore }: CleanUpTask): AnyTaskEvent[] {
    const ended = isFinal(task) && statuses.includes(task.status);
    const old = task.completedAt !== undefined && task.completedAt <= completedBefore;
    return ended && old ? [new TaskDeleted({ reason: 'cleanup' })] : [];
  }
}
