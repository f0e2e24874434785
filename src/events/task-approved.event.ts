import { TaskEvent } from './task-event.js';

export interface TaskApprovedData {
  /** Where the task goes: `pending` when a worker asked, for its lease is gone. */
  readonly resumesTo: 'running' | 'pending';
}

/** The quorum is filled. */
export class TaskApproved extends TaskEvent<TaskApprovedData> {
  static readonly type = 'TaskApproved';
  static readonly version = 1;
  readonly type = TaskApproved.type;
  readonly version = TaskApproved.version;
}
