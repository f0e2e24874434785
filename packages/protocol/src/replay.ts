/** Results of the jobs that build views again, compare them with the log, and try code on history. */
import type { Json } from './task-info.js';

/** Something that a view says otherwise than the log. */
export interface Difference {
  /** For people. */
  readonly text: string;
  readonly taskId?: string;
  /** JSON Pointer of what differs in the row; missing when the row itself is missing or too many. */
  readonly path?: string;
  /** What the view says; missing when it says nothing. */
  readonly view?: Json;
  /** What the log says; missing when it says nothing. */
  readonly log?: Json;
}

/** Result of a job of `verify_projection`. */
export interface ProjectionReport {
  readonly projection: string;
  /** Which build of it. */
  readonly generation: number;
  readonly ok: boolean;
  /** How many were compared. */
  readonly rows: number;
  /** How far the view was when it was done; missing while the log is empty. */
  readonly position?: string;
  /** The first 100. */
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
}

/** Result of a job of `rebuild_projection`: the new build serves. */
export interface RebuildReport extends ProjectionReport {
  readonly events: number;
  /** Generation of the build that served before; it is kept until `drop_projection_builds`. */
  readonly kept?: number;
}

/** An event that the present code cannot take. */
export interface FoldFailure {
  readonly taskId: string;
  readonly revision: number;
  readonly position: string;
  readonly type: string;
  readonly error: string;
}

/** Result of a job of `dry_run_projection`. */
export interface DryRunReport {
  readonly projection: string;
  readonly events: number;
  readonly tasks: number;
  readonly ok: boolean;
  /** Where it ended; missing while the log is empty. */
  readonly position?: string;
  /** The first 100 of each. */
  readonly failures: readonly FoldFailure[];
  readonly failureCount: number;
  /** Only when the stretch ends where the serving view is. */
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
}

/** What is decided about one failure: whether and when the task is tried again. */
export interface RetryDecision {
  readonly willRetry: boolean;
  /** From the failure on, milliseconds; missing when it is not tried again. */
  readonly delayMs?: number;
}

export interface PolicyChange {
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  /** Of the TaskFailed event. */
  readonly revision: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly attempt: number;
  readonly recorded: RetryDecision;
  readonly now: RetryDecision;
}

/** Result of a job of `dry_run_policy`. */
export interface PolicyReport {
  /** Recorded failures that were looked at. */
  readonly failures: number;
  /** Those of them that the present code cannot take, and so were not decided. */
  readonly unreadable: number;
  /** The first 1,000, in the order of the log. */
  readonly changes: readonly PolicyChange[];
  readonly changeCount: number;
}

/** What `drop_projection_builds` answers. */
export interface DroppedBuilds {
  readonly dropped: readonly number[];
}
