import type { LogFilter, RecordedEvent } from '../event-log.port.js';
import { matcherOf } from '../log-arguments.js';
import type { OffsetPage } from '../pull-subscription.js';
import type { PortEvents } from './event-form.js';
import type { LogHead } from './log-head.js';
import { CaughtUp, FellBehind, LookedUpTo, OwnEvents } from './own-events.js';
import type { LiveClient } from './cluster-client.js';
import type { ServerLink } from './server-link.js';
import type { StreamNames } from './stream-names.js';
import { TimeLimitPassed, within } from './time-limit.js';

const PAGE_CHARS = 8 * 1024 * 1024;
/** Readers in the middle of the log whose subscription waits for their next page. */
const MAX_IDLE = 16;
const IDLE_MS = 2_000;

/** A subscription that stands behind a place, used page by page. */
interface Cursor {
  readonly events: OwnEvents;
  /** It was opened for this page, so that what it says of the log's end holds for it. */
  fresh: boolean;
}

/**
 * Pages of the log, read from the cluster. The client can filter only what it subscribes to, so a page
 * is the beginning of a subscription; the rest of it waits a while for whoever wants the next page,
 * held back by the connection itself.
 */
export class EventPages {
  private readonly idle = new Map<number, { cursor: Cursor; timer: NodeJS.Timeout }>();

  constructor(
    private readonly link: ServerLink,
    private readonly names: StreamNames,
    private readonly recorded: PortEvents,
    private readonly head: LogHead,
    private readonly searchWindow: number,
  ) {}

  /** Rejects with LogUnavailable. */
  async after(offset: number, filter: LogFilter | undefined, limit: number): Promise<OffsetPage> {
    const page = await this.link.read((live, ms) => this.read(live, offset, limit, ms));
    const matches = matcherOf(filter);
    return matches ? { ...page, events: page.events.filter(matches) } : page;
  }

  close(): void {
    for (const offset of [...this.idle.keys()]) this.takeIdle(offset)?.events.close();
  }

  private async read(
    live: LiveClient,
    after: number,
    limit: number,
    ms: number,
  ): Promise<OffsetPage> {
    const until = performance.now() + ms;
    const events: RecordedEvent[] = [];
    let [cursor, offset, looked, chars, end] = [this.cursorAt(live, after), after, 0, 0, false];
    try {
      while (!end && looked < limit && chars < PAGE_CHARS) {
        const arrival = cursor.events.next();
        if (arrival === undefined) await arrivalOf(cursor, until);
        else if (arrival instanceof LookedUpTo || arrival instanceof FellBehind) continue;
        else if (arrival instanceof CaughtUp) {
          end = cursor.fresh;
          if (!end) cursor = this.again(live, cursor, offset);
        } else {
          offset = arrival.offset;
          looked += 1;
          const event = this.recorded.of(arrival);
          if (event) {
            events.push(event);
            chars += event.data.length + event.metadata.length;
          }
        }
      }
    } catch (error) {
      cursor.events.close();
      // What was read is good: the next page meets the trouble.
      if (looked === 0) throw error;
      return { events, offset, end: false };
    }
    if (end) cursor.events.close();
    else this.keep(offset, cursor);
    return { events, offset, end };
  }

  private cursorAt(live: LiveClient, offset: number): Cursor {
    const kept = this.takeIdle(offset);
    if (kept && !kept.events.isOver) return kept;
    kept?.events.close();
    return this.open(live, offset);
  }

  /** That it had caught up was said before this page was asked for: things may have come since. */
  private again(live: LiveClient, { events }: Cursor, offset: number): Cursor {
    events.close();
    return this.open(live, offset);
  }

  private open(live: LiveClient, offset: number): Cursor {
    const after = this.head.after(offset);
    return {
      events: new OwnEvents(live, this.names.prefixes, after, this.searchWindow),
      fresh: true,
    };
  }

  private keep(offset: number, cursor: Cursor): void {
    this.takeIdle(offset)?.events.close();
    const [oldest] = this.idle.keys();
    if (oldest !== undefined && this.idle.size >= MAX_IDLE) this.takeIdle(oldest)?.events.close();
    cursor.fresh = false;
    const timer = setTimeout(() => this.takeIdle(offset)?.events.close(), IDLE_MS).unref();
    this.idle.set(offset, { cursor, timer });
  }

  private takeIdle(offset: number): Cursor | undefined {
    const kept = this.idle.get(offset);
    if (!kept) return undefined;
    clearTimeout(kept.timer);
    this.idle.delete(offset);
    return kept.cursor;
  }
}

async function arrivalOf({ events }: Cursor, until: number): Promise<void> {
  const left = until - performance.now();
  if (left <= 0) throw new TimeLimitPassed(0);
  await within(left, events.arrival());
}
