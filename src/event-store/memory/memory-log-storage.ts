import { randomBytes } from 'node:crypto';
import { formatPosition, type Position } from '@taskmanager/protocol';
import type { LogFilter, NewEvent, RecordedEvent, Snapshot } from '../event-log.port.js';
import { matcherOf } from '../log-arguments.js';
import type { OffsetPage, Watcher } from '../pull-subscription.js';

/** Positions leave gaps, as the port allows, so that nobody comes to count on there being none. */
const STEP = 7;

/** What a log in memory holds; it outlives the log, as a file would. */
export class MemoryLogStorage {
  readonly logId = randomBytes(4).toString('hex');
  readonly streams = new Map<string, RecordedEvent[]>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly watchers = new Set<Watcher>();
  private readonly events: RecordedEvent[] = [];

  get head(): number {
    return this.events.length * STEP;
  }

  /** Answers the last event of those appended. */
  append(stream: string, events: readonly NewEvent[]): RecordedEvent {
    const stored = this.streams.get(stream) ?? [];
    this.streams.set(stream, stored);
    for (const { id, type, data, metadata } of events) {
      const revision = BigInt(stored.length);
      const position = formatPosition(this.logId, this.head + STEP);
      const event = { id, type, data, metadata, stream, revision, position };
      stored.push(event);
      this.events.push(event);
    }
    for (const watcher of this.watchers) watcher.changed();
    const last = stored.at(-1);
    if (!last) throw new RangeError('An append needs at least one event.');
    return last;
  }

  pageAfter(offset: number, filter: LogFilter | undefined, limit: number): OffsetPage {
    const first = Math.floor(offset / STEP);
    const page = this.events.slice(first, first + limit);
    const matches = matcherOf(filter);
    const looked = page.length > 0 ? (first + page.length) * STEP : offset;
    return {
      events: matches ? page.filter(matches) : page,
      offset: looked,
      end: looked >= this.head,
    };
  }

  positionAt(offset: number): Position | undefined {
    return offset === 0 ? undefined : formatPosition(this.logId, offset);
  }
}
