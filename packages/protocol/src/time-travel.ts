/** A task as it was, and what changed between two points of its life. */
import type { Json } from './task-info.js';

/** Exactly one of the two. */
export interface TaskPoint {
  readonly revision?: number;
  /** Epoch milliseconds: after the last event that is not later. */
  readonly at?: number;
}

/** `to…` left out: as it is now. */
export interface DiffRequest {
  readonly id: string;
  readonly fromRevision?: number;
  readonly fromAt?: number;
  readonly toRevision?: number;
  readonly toAt?: number;
}

/** One field that differs. */
export interface TaskChange {
  /** JSON Pointer (RFC 6901) into TaskInfo, e.g. `/data/amount`. */
  readonly path: string;
  /** Missing: it was not there. */
  readonly before?: Json;
  /** Missing: it is gone. */
  readonly after?: Json;
}

export interface TaskDiff {
  readonly taskId: string;
  readonly from: { readonly revision: number; /** Epoch milliseconds. */ readonly at: number };
  readonly to: { readonly revision: number; readonly at: number };
  /** In the order of TaskInfo's fields. */
  readonly changes: readonly TaskChange[];
}
