import { TaskEvent } from './task-event.js';

export interface TaskRetryScheduledData {
  /** The attempt that failed. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly dueAt: number;
}

/** When the next attempt is due. */
export class TaskRetryScheduled extends TaskEvent<TaskRetryScheduledData> {
  static readonly type = 'TaskRetryScheduled';
  static readonly version = 1;
  readonly type = TaskRetryScheduled.type;
  readonly version = TaskRetryScheduled.version;
}
