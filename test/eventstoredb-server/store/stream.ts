import { type RecordedEvent } from './recorded-event.js';
import { METASTREAM_METADATA, type StreamMetadata, isMetastream } from './stream-metadata.js';

/** One stream: its events, each at the place that is its revision. */
export class Stream {
  readonly events: RecordedEvent[] = [];
  tombstoned = false;
  metadata: StreamMetadata;

  constructor(readonly name: string) {
    this.metadata = isMetastream(name) ? METASTREAM_METADATA : {};
  }

  /** -1 while nothing was written. */
  get lastRevision(): number {
    return this.events.length - 1;
  }

  /** The last revision that stands below `committed` in the log: an event not yet durable is not seen. */
  lastVisible(committed: number): number {
    let last = this.lastRevision;
    while (last >= 0 && this.events[last]!.index >= committed) last -= 1;
    return last;
  }

  /** Server: $maxCount counts from the last event, and the stricter of it and $tb wins (IndexReader). */
  firstVisible(last: number): number {
    const { maxCount, truncateBefore = 0 } = this.metadata;
    return Math.max(0, truncateBefore, maxCount === undefined ? 0 : last - maxCount + 1);
  }

  /** Server: an event older than $maxAge is left out when it is read, not when it was written. */
  isTooOld(event: RecordedEvent, now: number): boolean {
    const { maxAge } = this.metadata;
    return maxAge !== undefined && event.created < now - maxAge * 1_000;
  }
}
