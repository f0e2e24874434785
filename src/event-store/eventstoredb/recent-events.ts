import type { LogFilter, RecordedEvent } from '../event-log.port.js';
import { matcherOf } from '../log-arguments.js';
import type { OffsetPage } from '../pull-subscription.js';

/** An event of the log with its place; undefined: a mark, which is a place without an event. */
export interface PlacedEvent {
  readonly offset: number;
  readonly event: RecordedEvent | undefined;
}

/**
 * The newest events without one missing between them, bounded by count and by text. Places have gaps,
 * so it knows after which of them it has everything. All live subscribers read from here: an event is
 * kept once however many listen.
 */
export class RecentEvents {
  private kept: PlacedEvent[] = [];
  /** Where the oldest kept one lies in `kept`: the front is cut off in large pieces only. */
  private start = 0;
  private chars = 0;
  private before = 0;
  private newest = 0;

  constructor(
    private readonly maxEvents: number,
    private readonly maxChars: number,
  ) {}

  /** The place of the newest ever pushed, or what `reset` said. */
  get last(): number {
    return this.newest;
  }

  /** Begins anew: everything after `last` will be pushed. */
  reset(last: number): void {
    this.kept = [];
    this.start = 0;
    this.chars = 0;
    this.before = last;
    this.newest = last;
  }

  /** The next after `last`; what is not newer was here already and is left out. */
  push(placed: PlacedEvent): void {
    if (placed.offset <= this.newest) return;
    this.kept.push(placed);
    this.chars += sizeOf(placed);
    this.newest = placed.offset;
    this.trim();
  }

  /** The event at a place; undefined when it is not kept. */
  at(offset: number): RecordedEvent | undefined {
    const placed = this.kept[this.firstAfter(offset - 1)];
    return placed?.offset === offset ? placed.event : undefined;
  }

  /** Undefined when the page would begin outside of what is kept. */
  pageAfter(offset: number, filter: LogFilter | undefined, limit: number): OffsetPage | undefined {
    if (offset < this.before || offset > this.newest) return undefined;
    const from = this.firstAfter(offset);
    const page = this.kept.slice(from, from + limit);
    const matches = matcherOf(filter);
    const events = page
      .map(({ event }) => event)
      .filter((event) => event !== undefined)
      .filter((event) => !matches || matches(event));
    const until = page.at(-1)?.offset ?? offset;
    return { events, offset: until, end: until === this.newest };
  }

  /** The index of the first that lies behind a place. */
  private firstAfter(offset: number): number {
    let [low, high] = [this.start, this.kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.kept[middle]?.offset ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private trim(): void {
    while (this.kept.length - this.start > this.maxEvents || this.chars > this.maxChars) {
      const oldest = this.kept[this.start];
      if (!oldest) break;
      this.chars -= sizeOf(oldest);
      this.before = oldest.offset;
      this.start += 1;
    }
    // What is cut off stays in memory until it is the larger part: at most as much again as is kept.
    if (this.start * 2 > this.kept.length) {
      this.kept = this.kept.slice(this.start);
      this.start = 0;
    }
  }
}

function sizeOf({ event }: PlacedEvent): number {
  return event ? event.data.length + event.metadata.length : 0;
}
