import type { Position } from '@taskmanager/protocol';
import type { SizedEvent } from './feed-event.js';

/** The newest events, without a gap, bounded by number and by bytes. */
export class RecentFeed {
  private events: SizedEvent[] = [];
  private start = 0;
  private bytes = 0;

  /** Every event after `from` up to `head` is here; undefined: from the log's first. */
  constructor(
    private from: Position | undefined,
    private readonly maxEvents: number,
    private readonly maxBytes: number,
  ) {
    this.head = from;
  }

  /** Everything up to here was seen. */
  head: Position | undefined;

  push(events: readonly SizedEvent[], position: Position | undefined): void {
    for (const event of events) {
      this.events.push(event);
      this.bytes += event.bytes;
    }
    this.head = position ?? this.head;
    while (this.events.length - this.start > this.maxEvents || this.bytes > this.maxBytes) {
      const oldest = this.events[this.start];
      if (!oldest) break;
      this.from = oldest.stored.position;
      this.bytes -= oldest.bytes;
      this.start += 1;
    }
    // What is cut off stays in memory until it is the larger part: at most as much again as is kept.
    if (this.start * 2 > this.events.length) {
      this.events = this.events.slice(this.start);
      this.start = 0;
    }
  }

  /** Events strictly after a position, up to `head`; undefined when older ones are missing here. */
  after(position: Position | undefined): readonly SizedEvent[] | undefined {
    const isCovered = this.from === undefined || (position !== undefined && position >= this.from);
    if (!isCovered) return undefined;
    if (position === undefined) return this.events.slice(this.start);
    let [low, high] = [this.start, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.events[middle];
      if (event && event.stored.position <= position) low = middle + 1;
      else high = middle;
    }
    return low === this.events.length ? [] : this.events.slice(low);
  }
}
