import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Work of this length is done before anybody else is asked, milliseconds. */
const SLICE_MS = 4;
/** No single piece of work counts for more: it may have waited for something itself. */
const MOST_WORK_MS = 50;
/** At rest it is looked so often whether others have begun to work, milliseconds. */
const LOOK_EVERY_MS = 40;
/** A rest is at least so long, milliseconds: in a shorter one little is seen. */
const LEAST_REST_MS = 2;
/**
 * Processor time that others use in a rest, as a part of it: below the first there is nobody, from the
 * second on they get as long a rest as there is. Not the time that the loop is taken: on a machine that
 * has too much to do that is long whoever has it.
 */
const BUSY = { from: 0.08, fully: 0.3 };
/** The longest rest, in times of the work before it; and the shortest that it may come down to. */
const REST = { longest: 4, shortest: 0.5 };
/** In so long what is left has to shrink, or the rests do, milliseconds. */
const TERM_MS = 20_000;
const SHRUNK = 0.9;

/**
 * Lets long work of the event loop go on beside commands: after some milliseconds of it the loop is
 * theirs, the longer the more of that rest they use. A fifth of the time is left for the work at
 * least, and more once that is seen to lead nowhere: where the log grows as quickly as it is read.
 */
export class Pace {
  private resumed = performance.now();
  private owed = 0;
  /** How much of its last rest others had use for, 0 to 1. */
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
    const [before, start] = [process.cpuUsage(), performance.now()];
    await sleep(Math.max(LEAST_REST_MS, owed * this.factor * this.busy));
    const { user, system } = process.cpuUsage(before);
    this.lookedAt = performance.now();
    const used = (user + system) / 1_000 / (this.lookedAt - start);
    this.busy = used < BUSY.from ? 0 : Math.min(1, used / BUSY.fully);
  }
}
