import { TaskCommand } from '../task-command.js';

/** The retry saga says that an attempt failed and will be retried. */
export class ScheduleRetry extends TaskCommand {
  /** The TaskFailed event: one attempt can fail more than once, when it fails before it is started. */
  readonly failedRevision: number;
  /** The delay is drawn from its id and counts from its time. */
  readonly failedEventId: string;
  readonly failedAt: number;
}
