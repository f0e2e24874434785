import { BACKWARDS, END } from '@eventstore/db-client';
import { collect } from './collect.js';
import { placeOf } from './own-events.js';
import type { LiveClient } from './cluster-client.js';
import type { ServerLink } from './server-link.js';
import type { StreamNames } from './stream-names.js';

const FIRST_STEP = 8;
const STEP_GROWTH = 4;
const LONGEST_STEP = 1_000;

/** The newest place of this log that is known, and how far the cluster's log was looked through for it. */
export interface Head {
  /** 0: the log has no event yet. */
  readonly own: number;
  /** Nothing of this log lies between `own` and here. */
  readonly through: number;
}

/**
 * Where the log ends now. The cluster knows the end of all it holds only, so the newest event of this
 * log is looked for backwards from there, as far as what is known already.
 */
export class LogHead {
  private newest: Head = { own: 0, through: 0 };
  private running: Promise<Head> | undefined;
  private next: Promise<Head> | undefined;

  constructor(
    private readonly link: ServerLink,
    private readonly names: StreamNames,
  ) {}

  /** What is known without asking; the log may have gone on. */
  get known(): Head {
    return this.newest;
  }

  learn(head: Head): void {
    if (head.through > this.newest.through) this.newest = head;
  }

  /** From where to look for what comes after a place: events of others behind it are skipped if known. */
  after(offset: number): number {
    const { own, through } = this.newest;
    return offset >= own && offset <= through ? through : offset;
  }

  /** As the log is after the call: those who ask while a question is on its way share the next one. */
  read(): Promise<Head> {
    if (!this.running) return (this.running = this.ask().finally(() => (this.running = undefined)));
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.read();
      });
    return this.next;
  }

  private async ask(): Promise<Head> {
    this.learn(await this.link.read((live, ms) => this.lookBack(live, ms)));
    return this.newest;
  }

  private async lookBack(live: LiveClient, ms: number): Promise<Head> {
    const until = performance.now() + ms;
    const { own, through: known } = this.newest;
    let through: number | undefined;
    let from = Infinity;
    for (let step = FIRST_STEP; ; step = Math.min(step * STEP_GROWTH, LONGEST_STEP)) {
      let found: number | undefined;
      let count = 0;
      const fromPosition = from === Infinity ? END : placeOf(from);
      const read = live.client.readAll({ direction: BACKWARDS, fromPosition, maxCount: step });
      await collect(read, live, until - performance.now(), ({ event }) => {
        count += 1;
        if (!event || found !== undefined) return;
        from = Number(event.position.commit);
        through ??= from;
        if (from <= known) found = own;
        else if (event.streamId === this.names.identity) found = 0;
        else if (this.names.isPlace(event.streamId)) found = from;
      });
      if (found !== undefined || count < step) {
        return { own: found ?? own, through: through ?? known };
      }
    }
  }
}
