import type { LogFilter, RecordedEvent } from '../event-log.port.js';
import { matcherOf } from '../log-arguments.js';
import type { OffsetPage } from '../pull-subscription.js';

/**
 * The newest events in a row without gaps, bounded by count and by text. All live subscribers read
 * from here, so that an event is kept once however many listen.
 */
export class RecentEvents {
  private events: RecordedEvent[] = [];
  /** Where the oldest kept event lies in `events`: the front is cut off in large pieces only. */
  private start = 0;
  private chars = 0;

  constructor(
    private readonly maxEvents: number,
    private readonly maxChars: number,
    private newest = 0,
  ) {}

  /** The number of the newest event ever pushed, or what `reset` said. */
  get last(): number {
    return this.newest;
  }

  reset(last: number): void {
    this.events = [];
    this.start = 0;
    this.chars = 0;
    this.newest = last;
  }

  /** The next events after `last`, in order and without a gap. */
  push(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      this.events.push(event);
      this.chars += sizeOf(event);
    }
    this.newest += events.length;
    this.trim();
  }

  /** Undefined when the page would begin outside of what is kept. */
  pageAfter(offset: number, filter: LogFilter | undefined, limit: number): OffsetPage | undefined {
    const oldest = this.newest - (this.events.length - this.start);
    if (offset < oldest || offset > this.newest) return undefined;
    const until = Math.min(this.newest, offset + limit);
    const from = this.start + (offset - oldest);
    const page = this.events.slice(from, from + (until - offset));
    const matches = matcherOf(filter);
    const events = matches ? page.filter(matches) : page;
    return { events, offset: until, end: until === this.newest };
  }

  private trim(): void {
    while (this.events.length - this.start > this.maxEvents || this.chars > this.maxChars) {
      const oldest = this.events[this.start];
      if (!oldest) break;
      this.chars -= sizeOf(oldest);
      this.start += 1;
    }
    // What is cut off stays in memory until it is the larger part: at most as much again as is kept.
    if (this.start * 2 > this.events.length) {
      this.events = this.events.slice(this.start);
      this.start = 0;
    }
  }
}

function sizeOf(event: RecordedEvent): number {
  return event.data.length + event.metadata.length;
}
