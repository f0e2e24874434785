import { TaskEvent } from './task-event.js';

export interface ProgressUpdatedData {
  /** Percent, 0 to 100. */
  readonly progress: number;
  readonly completedItems?: number;
  readonly totalItems?: number;
  readonly message?: string;
  /** Progress of a leased task renews its lease, epoch milliseconds. */
  readonly leaseExpiresAt?: number;
}

/** How far the runner has come. */
export class ProgressUpdated extends TaskEvent<ProgressUpdatedData> {
  static readonly type = 'ProgressUpdated';
  static readonly version = 1;
  readonly type = ProgressUpdated.type;
  readonly version = ProgressUpdated.version;
}
