import { TaskEvent } from './task-event.js';

export interface TaskLeaseExpiredData {
  /** Stalls so far, this one included if it counts. */
  readonly stallCount: number;
  readonly leaseEpoch: number;
  readonly workerId?: string;
}

/** The worker was not heard of in time; what it still sends is refused. */
export class TaskLeaseExpired extends TaskEvent<TaskLeaseExpiredData> {
  static readonly type = 'TaskLeaseExpired';
  static readonly version = 1;
  readonly type = TaskLeaseExpired.type;
  readonly version = TaskLeaseExpired.version;
}
