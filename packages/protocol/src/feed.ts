import type { Actor } from './actor.js';
import type { Json } from './task-info.js';
import type { TaskStatus } from './task-status.js';

/** One event as read_events answers it. */
export interface FeedEvent {
  /** Feed name, e.g. `progress`. */
  readonly event: string;
  /** Stored type, e.g. `ProgressUpdated`. */
  readonly type: string;
  readonly position: string;
  readonly revision: number;
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  /** The task's status after the event. */
  readonly status: TaskStatus;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly actor: Actor;
  readonly data: { readonly [key: string]: Json };
}

export interface FeedPage {
  readonly events: readonly FeedEvent[];
  /** Pass it as `from` to go on. Missing only while the log is empty; then go on from `start`. */
  readonly position?: string;
  readonly caughtUp: boolean;
}

/** One event as get_task_history answers it: everything that is stored. */
export interface HistoryEvent {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly revision: number;
  readonly position: string;
  readonly at: number;
  readonly actor: Actor;
  readonly data: { readonly [key: string]: Json };
  readonly metadata: { readonly [key: string]: Json };
  /** Who, what, from where and what changed, in one line for people; its words may change. */
  readonly line: string;
}

export interface HistoryPage {
  readonly events: readonly HistoryEvent[];
  /** Pass it as `fromRevision` to go on; missing on the last page. */
  readonly nextRevision?: number;
}
