import { TaskEvent } from './task-event.js';

export interface TaskCancelledData {
  readonly reason?: string;
}

/** Nobody wants the result any more. */
export class TaskCancelled extends TaskEvent<TaskCancelledData> {
  static readonly type = 'TaskCancelled';
  static readonly version = 1;
  readonly type = TaskCancelled.type;
  readonly version = TaskCancelled.version;
}
