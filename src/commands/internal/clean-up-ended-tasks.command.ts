import type { TaskStatus } from '@taskmanager/protocol';

/** Deletes tasks that ended long enough ago, the oldest first: what cleanup_tasks and retention have in common. */
export class CleanUpEndedTasks {
  readonly statuses: readonly TaskStatus[];
  /** Milliseconds since the task ended. */
  readonly maxAgeMs: number;
  /** Tasks that it touches at most. */
  readonly limit: number;
  /** All when left out. */
  readonly taskTypes?: readonly string[];
  readonly appName?: string;
}
