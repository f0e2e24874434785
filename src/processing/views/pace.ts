import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Work of this length is done before anybody else is asked, milliseconds. */
const SLICE_MS = 4;
/** No single piece of work counts for more: it may have waited for something itself. */
const MOST_WORK_MS = 50;
/** At rest it is looked so often whether others have begun to work, milliseconds. */
const LOOK_EVERY_MS = 40;
/** Others that use so much of a rest, 0 to 1, get as much of one as there is. */
const BUSY = 0.4;
/** The longest rest, in times of the work before it; and the shortest that it may come down to. */
const REST = { longest: 5, shortest: 0.5 };
/** In so long what is left has to shrink, or the rests do, milliseconds. */
const TERM_MS = 20_000;
const SHRUNK = 0.9;

/**
 * Lets long work of the event loop go on beside commands: after some milliseconds of it the loop is
 * theirs, the longer the more of that rest they use. A sixth of the time is left for the work at
 * least, and more once that is seen to lead nowhere: where the log grows as quickly as it is read.
 */
export class Pace {
  private resumed = performance.now();
  private owed = 0;
  /** How much of its last rest the loop was used by others, 0 to 1. */
  private busy = 0;
  private lookedAt = 0;
  private factor = REST.longest;
  private term: { readonly at: number; readonly left: number } | undefined;

  /** To be called after each piece of work; resolves when it is its turn again. */
  async turn(): Promise<void> {
    const now = performance.now();
    this.owed += Math.min(now - this.resumed, MOST_WORK_MS);
    if (this.owed >= SLICE_MS) {
      const { owed } = this;
      this.owed = 0;
      if (this.busy > 0 || now - this.lookedAt > LOOK_EVERY_MS) await this.rest(owed);
      else await nextTurn();
    }
    this.resumed = performance.now();
  }

  /** @param left whatever is still to be done, in any unit, as often as one likes */
  leftOver(left: number): void {
    const now = performance.now();
    this.term ??= { at: now, left };
    if (now - this.term.at < TERM_MS) return;
    const leads = left < this.term.left * SHRUNK;
    this.factor = leads
      ? Math.min(REST.longest, this.factor * 2)
      : Math.max(REST.shortest, this.factor / 2);
    this.term = { at: now, left };
  }

  private async rest(owed: number): Promise<void> {
    const before = performance.eventLoopUtilization();
    await sleep(Math.max(1, owed * this.factor * this.busy));
    const { utilization } = performance.eventLoopUtilization(before);
    this.busy = utilization < BUSY / 8 ? 0 : Math.min(1, utilization / BUSY);
    this.lookedAt = performance.now();
  }
}
