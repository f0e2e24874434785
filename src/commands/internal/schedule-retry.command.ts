import { TaskCommand } from '../task-command.js';

/** The retry saga says that an attempt failed and will be retried. */
export class ScheduleRetry extends TaskCommand {
  /** The attempt that failed. */
  readonly attempt: number;
  /** The TaskFailed event: the delay is drawn from its id and counts from its time. */
  readonly failedEventId: string;
  readonly failedAt: number;
}
