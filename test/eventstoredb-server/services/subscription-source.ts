import { type EventStore } from '../store/event-store.js';
import { type RecordedEvent } from '../store/recorded-event.js';
import { isSoftDeleted } from '../store/stream-metadata.js';
import { streamDeleted } from './errors.js';
import { ALL, type ReadRequest } from './read-request.js';

/** Where a subscription takes its events from. */
export interface SubscriptionSource {
  /** The next event, or undefined if there is none yet. */
  take(): RecordedEvent | undefined;
  /** How many events stand before the subscription at most. */
  behind(): number;
  /** The position of the last event that is behind the subscription; undefined before the first. */
  position(): number | undefined;
}

export const sourceOf = (store: EventStore, request: ReadRequest): SubscriptionSource =>
  request.stream === ALL ? new AllSource(store, request) : new StreamSource(store, request);

class AllSource implements SubscriptionSource {
  private index: number;

  constructor(
    private readonly store: EventStore,
    { from }: ReadRequest,
  ) {
    // Server: a subscription begins after the position that it is given, unlike a read (Enumerators).
    if (from === 'start') this.index = 0;
    else this.index = from === 'end' ? store.log.committed : store.log.indexAtOrAfter(from + 1);
  }

  take(): RecordedEvent | undefined {
    const event = this.store.log.at(this.index);
    if (event) this.index += 1;
    return event;
  }

  behind(): number {
    return this.store.log.committed - this.index;
  }

  position(): number | undefined {
    return this.index > 0 ? this.store.log.at(this.index - 1)?.position : undefined;
  }
}

class StreamSource implements SubscriptionSource {
  private next: number;
  private readonly name: string;

  constructor(
    private readonly store: EventStore,
    { stream, from }: ReadRequest,
  ) {
    this.name = stream;
    if (from === 'start') this.next = 0;
    // Server: exclusive here too.
    else this.next = from === 'end' ? this.last() + 1 : from + 1;
  }

  take(): RecordedEvent | undefined {
    // Server: a subscription to a tombstoned stream fails; one to a stream that is not there waits.
    if (this.store.isTombstoned(this.name)) throw streamDeleted(this.name);
    const stream = this.store.stream(this.name);
    if (!stream || isSoftDeleted(stream.metadata)) return undefined;
    const last = this.last();
    const now = Date.now();
    for (let at = Math.max(this.next, stream.firstVisible(last)); at <= last; at += 1) {
      const event = stream.events[at];
      this.next = at + 1;
      if (event && !stream.isTooOld(event, now)) return event;
    }
    return undefined;
  }

  behind(): number {
    return this.last() + 1 - this.next;
  }

  position(): number | undefined {
    return this.store.stream(this.name)?.events[this.next - 1]?.position;
  }

  private last(): number {
    return this.store.stream(this.name)?.lastVisible(this.store.log.committed) ?? -1;
  }
}
