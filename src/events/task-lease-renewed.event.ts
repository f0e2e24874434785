import type { Json } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskLeaseRenewedData {
  /** Epoch milliseconds. */
  readonly leaseExpiresAt: number;
  /** Where to go on from, should another worker have to. */
  readonly checkpoint?: Json;
}

/** The worker still works. */
export class TaskLeaseRenewed extends TaskEvent<TaskLeaseRenewedData> {
  static readonly type = 'TaskLeaseRenewed';
  static readonly version = 1;
  readonly type = TaskLeaseRenewed.type;
  readonly version = TaskLeaseRenewed.version;
}
