import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '../event-log.port.js';
import type { Watcher } from '../pull-subscription.js';
import { failureOf } from './call-failure.js';
import type { PortEvents } from './event-form.js';
import type { EventStoreDbTuning, Tell } from './eventstoredb-options.js';
import type { LogHead } from './log-head.js';
import type { LogMarks } from './log-marks.js';
import { type Arrival, CaughtUp, FellBehind, LookedUpTo, OwnEvents } from './own-events.js';
import { RecentEvents } from './recent-events.js';
import type { ServerLink } from './server-link.js';
import type { StreamNames } from './stream-names.js';
import { pauseMs, TimeLimitPassed, within } from './time-limit.js';

/** How long it goes on when nobody watches and nobody appends any more. */
const LINGER_MS = 10_000;

/**
 * The one live subscription of this process to the log, while somebody watches or appends. It keeps
 * the newest events for all who listen and comes back by itself, from the last place it has handled.
 */
export class LogTail {
  readonly recent: RecentEvents;
  private readonly watchers = new Set<Watcher>();
  private readonly awaited = new Set<{ readonly offset: number; readonly tell: () => void }>();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  /** It has caught up once since it was made anew, so that what comes will come soon. */
  private isFollowing = false;
  private isCaughtUp = false;
  private usedAt = -LINGER_MS;
  /** The newest place that an append of this process was given. */
  private ownAppend = 0;

  constructor(
    private readonly link: ServerLink,
    private readonly names: StreamNames,
    private readonly recorded: PortEvents,
    private readonly head: LogHead,
    private readonly marks: LogMarks,
    private readonly tuning: EventStoreDbTuning,
    private readonly tell: Tell,
  ) {
    this.recent = new RecentEvents(tuning.recentEvents, tuning.recentChars);
  }

  /** Caught up, and as far as this process's own appends: its end is the log's end. */
  get isCurrent(): boolean {
    return this.isCaughtUp && this.recent.last >= this.ownAppend;
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    this.use();
    return () => void this.watchers.delete(watcher);
  }

  /** Somebody is about to append, and will want to see what was stored. */
  use(): void {
    this.usedAt = performance.now();
    if (this.stopping.signal.aborted || this.running) return;
    this.running = this.run().finally(() => {
      this.running = undefined;
      if (this.isUsed) this.use();
    });
  }

  appended(offset: number): void {
    this.ownAppend = Math.max(this.ownAppend, offset);
  }

  /** The event at a place as soon as it has come; undefined when it does not come in time. */
  async eventAt(offset: number, ms: number): Promise<RecordedEvent | undefined> {
    if (this.isFollowing && this.recent.last < offset) {
      await new Promise<void>((resolve) => {
        const entry = { offset, tell: () => done() };
        const timer = setTimeout(() => done(), ms);
        const done = () => {
          clearTimeout(timer);
          this.awaited.delete(entry);
          resolve();
        };
        this.awaited.add(entry);
      });
    }
    return this.recent.at(offset);
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private get isUsed(): boolean {
    if (this.stopping.signal.aborted) return false;
    return this.watchers.size > 0 || performance.now() - this.usedAt < LINGER_MS;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    let told = '';
    while (this.isUsed) {
      try {
        await this.follow(() => {
          failures = 0;
          told = '';
        });
      } catch (error) {
        // Those who watch wait with it until it is back.
        const { reason } = failureOf(error);
        if (!signal.aborted && failures > 0 && reason !== told) this.tell((told = reason));
        await sleep(pauseMs(failures), undefined, { signal }).catch(() => undefined);
        failures += 1;
      }
    }
    this.recent.reset(0);
  }

  /** Until it is no longer used; throws when the subscription ends in whatever way. */
  private async follow(wentWell: () => void): Promise<void> {
    const live = await this.link.live();
    if (this.recent.last === 0) this.recent.reset((await this.head.read()).own);
    const after = this.head.after(this.recent.last);
    const events = new OwnEvents(live, this.names.prefixes, after, this.tuning.searchWindow);
    const stop = () => events.close();
    this.stopping.signal.addEventListener('abort', stop, { once: true });
    try {
      while (this.isUsed) {
        await this.arrivalOf(events);
        // They come one in a turn; waking those who watch for several at once costs less.
        await nextTurn();
        for (let next = events.next(); next !== undefined; next = events.next()) this.handle(next);
        this.link.answered();
        wentWell();
        this.wakeAll();
      }
    } catch (error) {
      if (!this.stopping.signal.aborted) await this.link.failed(live, error);
      throw error;
    } finally {
      this.isFollowing = false;
      this.isCaughtUp = false;
      this.stopping.signal.removeEventListener('abort', stop);
      events.close();
      this.wakeAll();
    }
  }

  /** Silence is a failure as long as it catches up, and no news afterwards. */
  private async arrivalOf(events: OwnEvents): Promise<void> {
    try {
      await within(this.isFollowing ? LINGER_MS : this.tuning.timeoutMs, events.arrival());
    } catch (error) {
      if (!this.isFollowing || !(error instanceof TimeLimitPassed)) throw error;
    }
  }

  private handle(arrival: Arrival): void {
    if (arrival instanceof CaughtUp) {
      this.isFollowing = true;
      this.isCaughtUp = true;
    } else if (arrival instanceof FellBehind) {
      this.isCaughtUp = false;
    } else if (arrival instanceof LookedUpTo) {
      this.head.learn({ own: this.recent.last, through: arrival.offset });
      this.marks.lookedOn(this.recent.last > 0);
    } else {
      const { offset } = arrival;
      this.recent.push({ offset, event: this.recorded.of(arrival) });
      this.head.learn({ own: offset, through: offset });
      this.marks.moved();
    }
  }

  private wakeAll(): void {
    for (const entry of this.awaited) {
      if (!this.isFollowing || entry.offset <= this.recent.last) entry.tell();
    }
    for (const watcher of [...this.watchers]) watcher.changed();
  }
}
