import { TryLater } from '../handlers/processor-handler.js';
import type { DueTask } from './timer-queue.port.js';

/** Tasks remembered, those fired last; one that is forgotten is fired again early, which does nothing. */
const REMEMBERED = 100_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** While log or service are away it is no use to grow as patient as with a timer that is stuck. */
const LONGEST_AWAY_MS = 5_000;

interface Fired {
  readonly revision: number;
  /** Timers of it that were due. */
  readonly due: number;
  readonly pauseMs: number;
  /** `performance.now()` from which on it is fired again. */
  readonly again: number;
}

/**
 * Tasks whose timers were fired, in memory only. The view shows them as due until it has seen what
 * followed; one that stays due although its commands were sent is tried again after a growing pause.
 */
export class FiredTimers {
  private readonly fired = new Map<number, Fired>();

  /** Whether these very timers were fired and their pause is not over. `now`: `performance.now()`. */
  waits({ seq, revision, timers }: DueTask, now: number): boolean {
    const fired = this.fired.get(seq);
    return fired?.revision === revision && timers.length <= fired.due && now < fired.again;
  }

  /** `trouble`: why its commands could not be sent; undefined when they were. */
  note({ seq, revision, timers }: DueTask, now: number, trouble: unknown): void {
    const before = this.fired.get(seq);
    const longest = trouble instanceof TryLater ? LONGEST_AWAY_MS : LONGEST_PAUSE_MS;
    const grown = before?.revision === revision ? before.pauseMs * 2 : FIRST_PAUSE_MS;
    const pauseMs = Math.min(grown, longest);
    this.fired.delete(seq);
    this.fired.set(seq, { revision, due: timers.length, pauseMs, again: now + pauseMs });
    const [oldest] = this.fired.keys();
    if (this.fired.size > REMEMBERED && oldest !== undefined) this.fired.delete(oldest);
  }

  clear(): void {
    this.fired.clear();
  }
}
