import { PerformRetry } from '../commands/internal/perform-retry.command.js';
import { ScheduleRetry } from '../commands/internal/schedule-retry.command.js';
import { type TaskCommand, messageOf } from '../commands/task-command.js';
import { TaskFailed } from '../events/index.js';
import { type DueTimer, On, OnDue, type SagaEvent, TaskSaga } from '../processing/index.js';

/** A failure that will be retried: the retry is scheduled, and performed when its time has come. */
@TaskSaga({ name: 'retry', version: 1 })
export class RetrySaga {
  @On(TaskFailed)
  schedule({ id, taskId, revision, event, metadata }: SagaEvent<TaskFailed>): TaskCommand[] {
    if (!event.data.willRetry) return [];
    return [
      messageOf(ScheduleRetry, {
        id: taskId,
        failedRevision: revision,
        failedEventId: id,
        failedAt: metadata.timestamp,
      }),
    ];
  }

  @OnDue(['retry'])
  perform({ taskId, attempt }: DueTimer): TaskCommand[] {
    return [messageOf(PerformRetry, { id: taskId, attempt })];
  }
}
