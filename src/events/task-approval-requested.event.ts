import type { Json, OnApproved } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskApprovalRequestedData {
  /** Actor ids or `role:<name>`; empty means anyone. */
  readonly approvers: readonly string[];
  readonly quorum: number;
  readonly allowSelf: boolean;
  /** Epoch milliseconds. */
  readonly dueAt?: number;
  readonly remindEveryMs?: number;
  readonly escalateTo?: readonly string[];
  readonly escalateAfterMs?: number;
  readonly onApproved: OnApproved;
  /** What the task completes with when onApproved is `complete`. */
  readonly result?: Json;
  readonly comment?: string;
}

/** Somebody must say yes before the task goes on; a lease ends with it. */
export class TaskApprovalRequested extends TaskEvent<TaskApprovalRequestedData> {
  static readonly type = 'TaskApprovalRequested';
  static readonly version = 1;
  readonly type = TaskApprovalRequested.type;
  readonly version = TaskApprovalRequested.version;
}
