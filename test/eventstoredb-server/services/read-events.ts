import { type EventStore } from '../store/event-store.js';
import { type RecordedEvent } from '../store/recorded-event.js';
import { isSoftDeleted } from '../store/stream-metadata.js';
import { ALL, type Place, type ReadRequest } from './read-request.js';

/** The events of a read that is no subscription, as they stand when it begins; undefined for no such stream. */
export function eventsToRead(
  store: EventStore,
  request: ReadRequest,
): Iterable<RecordedEvent> | undefined {
  if (request.stream === ALL) return eventsOfAll(store, request);
  const stream = store.stream(request.stream);
  const last = stream?.lastVisible(store.log.committed) ?? -1;
  // Server: a deleted stream is not found, as if it had never been (ReadStreamResult.NoStream).
  if (!stream || last < 0 || isSoftDeleted(stream.metadata)) return undefined;
  const first = stream.firstVisible(last);
  const now = Date.now();
  const range = request.backwards
    ? downwards(Math.min(place(request.from, 0, last), last), first)
    : upwards(Math.max(place(request.from, 0, last + 1), first), last);
  return pick(range, (revision) => {
    const event = stream.events[revision];
    return event && !stream.isTooOld(event, now) ? event : undefined;
  });
}

/**
 * Server: reads of $all forwards are inclusive of the position; backwards they begin before it, since
 * a position to read back from is the one after an event (Enumerators).
 */
function eventsOfAll(store: EventStore, { from, backwards }: ReadRequest): Iterable<RecordedEvent> {
  const end = store.log.committed;
  const index = typeof from === 'number' ? store.log.indexAtOrAfter(from) : place(from, 0, end);
  const range = backwards ? downwards(index - 1, 0) : upwards(index, end - 1);
  return pick(range, (at) => store.log.at(at));
}

const place = (from: Place, start: number, end: number): number =>
  from === 'start' ? start : from === 'end' ? end : from;

function* upwards(from: number, to: number): Generator<number> {
  for (let at = from; at <= to; at += 1) yield at;
}

function* downwards(from: number, to: number): Generator<number> {
  for (let at = from; at >= to; at -= 1) yield at;
}

function* pick(
  range: Iterable<number>,
  eventAt: (at: number) => RecordedEvent | undefined,
): Generator<RecordedEvent> {
  for (const at of range) {
    const event = eventAt(at);
    if (event) yield event;
  }
}
