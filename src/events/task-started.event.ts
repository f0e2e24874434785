import { TaskEvent } from './task-event.js';

export interface TaskStartedData {
  /** Which try this is: one more than before. */
  readonly attempt: number;
  readonly workerId?: string;
  /** One more than the last lease of this task. */
  readonly leaseEpoch?: number;
  /** Epoch milliseconds. */
  readonly leaseExpiresAt?: number;
  /** The claim_tasks command that took it: the same claim sent again finds it by this. */
  readonly claimId?: string;
  readonly reason?: string;
}

/** Somebody runs the task: its app, or a worker under a lease. */
export class TaskStarted extends TaskEvent<TaskStartedData> {
  static readonly type = 'TaskStarted';
  static readonly version = 1;
  readonly type = TaskStarted.type;
  readonly version = TaskStarted.version;
}
