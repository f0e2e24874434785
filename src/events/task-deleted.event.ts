import { TaskEvent } from './task-event.js';

export interface TaskDeletedData {
  readonly reason?: string;
}

/** A tombstone: the task leaves the views, its history stays. */
export class TaskDeleted extends TaskEvent<TaskDeletedData> {
  static readonly type = 'TaskDeleted';
  static readonly version = 1;
  readonly type = TaskDeleted.type;
  readonly version = TaskDeleted.version;
}
