import type { DueTask, TimerPlace, TimerQueue } from './timer-queue.port.js';

/** Parsing so many rows holds the event loop for a few milliseconds. */
const PAGE = 500;
/** The queue is gone through from its first timer at least so often, for what is to be fired again. */
const WHOLE_EVERY_MS = 1_000;
/** Going through it takes one of so many parts of the time at most, however many rows are stuck. */
const SHARE = 5;

/**
 * Goes through the queue page by page. What lies before its place was seen: under way, or waiting for
 * its next try. So what falls due is found at once, however many stuck timers lie before it.
 */
export class TimerScan {
  private place: TimerPlace | undefined;
  /** A timer due then was written since the last page. */
  private nearer = Infinity;
  private atEnd = true;
  private begunAt = -Infinity;
  private busyMs = 0;

  constructor(private readonly queue: TimerQueue) {}

  /** A timer due then was written; −Infinity when anything may have been. */
  changed(dueAt: number): void {
    this.nearer = Math.min(this.nearer, dueAt);
  }

  /** A page of what is due at `now` (epoch milliseconds), and whether more is. */
  next(now: number): { readonly tasks: readonly DueTask[]; readonly more: boolean } {
    const started = performance.now();
    if (this.atEnd && started >= this.wholeAt()) this.beginAnew(started);
    else if (this.place && this.nearer !== -Infinity && this.nearer <= this.place.dueAt) {
      this.place = { dueAt: this.nearer, seq: -1 };
    }
    if (this.nearer !== -Infinity) this.nearer = Infinity;
    const tasks = this.queue.due(now, PAGE, this.place);
    this.place = tasks.at(-1) ?? this.place;
    this.atEnd = tasks.length < PAGE;
    this.busyMs += performance.now() - started;
    return { tasks, more: !this.atEnd };
  }

  /** How long there is nothing to do, milliseconds from `now`, the time of the clock; 0 or less: go on. */
  waitMs(now: number): number {
    const wholeMs = this.wholeAt() - performance.now();
    const told = this.nearer === -Infinity ? Infinity : this.nearer;
    const nearest = Math.min(told, this.queue.nearest(this.place) ?? Infinity);
    return Math.min(nearest - now, wholeMs);
  }

  private beginAnew(at: number): void {
    this.place = undefined;
    this.nearer = Infinity;
    this.begunAt = at;
    this.busyMs = 0;
  }

  /** When to begin with the first timer again, as `performance.now()`. */
  private wholeAt(): number {
    const pauseMs = this.nearer === -Infinity ? 0 : WHOLE_EVERY_MS;
    return this.begunAt + Math.max(this.busyMs * SHARE, pauseMs);
  }
}
