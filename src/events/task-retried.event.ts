import { TaskEvent } from './task-event.js';

export interface TaskRetriedData {
  /** Retries so far, this one included. */
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly reason?: string;
}

/** The failed task is taken up again: error cleared, progress 0. */
export class TaskRetried extends TaskEvent<TaskRetriedData> {
  static readonly type = 'TaskRetried';
  static readonly version = 1;
  readonly type = TaskRetried.type;
  readonly version = TaskRetried.version;
}
