import { TaskEvent } from './task-event.js';

export interface TaskApprovalExpiredData {
  /** Epoch milliseconds. */
  readonly dueAt: number;
}

/** Nobody answered in time; TaskFailed follows in the same append. */
export class TaskApprovalExpired extends TaskEvent<TaskApprovalExpiredData> {
  static readonly type = 'TaskApprovalExpired';
  static readonly version = 1;
  readonly type = TaskApprovalExpired.type;
  readonly version = TaskApprovalExpired.version;
}
