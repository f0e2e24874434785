import type { DueTimer } from '../sagas/saga.js';

/** A place in the queue: a task's nearest due time and its key. */
export interface TimerPlace {
  readonly dueAt: number;
  readonly seq: number;
}

/** A task with a timer that is due. */
export interface DueTask extends TimerPlace {
  readonly taskId: string;
  /** Of the task's newest event in the view. */
  readonly revision: number;
  /** Those that are due, the first first. */
  readonly timers: readonly DueTimer[];
}

/** The timers of all tasks, by due time: a view, computed from the events that carry due times. */
export abstract class TimerQueue {
  /** True once it knows of everything that is in the log now; false when that takes longer. */
  abstract caughtUp(timeoutMs: number): Promise<boolean>;
  /** When the nearest timer behind `after` is due, epoch milliseconds; undefined when there is none. */
  abstract nearest(after?: TimerPlace): number | undefined;
  /** Tasks with a timer due at or before `now`, in order, behind `after`. */
  abstract due(now: number, limit: number, after?: TimerPlace): readonly DueTask[];
  /** How many tasks have a timer that is due at or before `now`; no more than `limit` are counted. */
  abstract countDue(now: number, limit: number): number;
  /**
   * Tells after each commit that wrote due times the nearest of them, and −Infinity when anything may
   * have changed. Answers how to stop that.
   */
  abstract onChange(listener: (dueAt: number) => void): () => void;
}
