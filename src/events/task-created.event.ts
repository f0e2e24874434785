import type { Backoff, Json, RunBy, Timeouts } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskCreatedData {
  readonly name: string;
  readonly taskType: string;
  readonly appName: string;
  readonly runBy: RunBy;
  readonly data?: Json;
  readonly input?: Json;
  readonly persistent: boolean;
  readonly maxRetries: number;
  /** Milliseconds. */
  readonly retryDelayMs: number;
  readonly backoff: Backoff;
  /** Higher first. */
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly timeouts?: Timeouts;
  /** Epoch milliseconds before which no worker may claim it. */
  readonly runAt?: number;
  readonly idempotencyKey?: string;
}

/** The first event of every task: what is to be done, and by which rules. */
export class TaskCreated extends TaskEvent<TaskCreatedData> {
  static readonly type = 'TaskCreated';
  static readonly version = 1;
  readonly type = TaskCreated.type;
  readonly version = TaskCreated.version;
}
