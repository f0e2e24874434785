import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskRetryScheduled } from '../../events/index.js';
import { type Task, retryDelay } from '../../task/index.js';
import { ScheduleRetry } from './schedule-retry.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(ScheduleRetry)
export class ScheduleRetryHandler extends TaskCommandHandler<ScheduleRetry> {
  decide(task: Task, { failedRevision, failedEventId, failedAt }: ScheduleRetry): AnyTaskEvent[] {
    const due = task.willRetry && task.failedRevision === failedRevision;
    if (!due || task.nextRetryAt !== undefined) return [];
    const dueAt = failedAt + retryDelay(task, failedEventId);
    return [new TaskRetryScheduled({ attempt: task.attempt, dueAt })];
  }
}
