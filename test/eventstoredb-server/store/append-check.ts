import { type ExpectedRevision } from './expected-revision.js';
import { type RecentIds } from './recent-ids.js';
import { type ProposedEvent, type RecordedEvent } from './recorded-event.js';
import { type Stream } from './stream.js';
import { isSoftDeleted, metastreamOf } from './stream-metadata.js';

export type AppendCheck =
  | { readonly decision: 'ok' }
  | { readonly decision: 'deleted' }
  | { readonly decision: 'wrong-expected-revision'; readonly current: bigint }
  | { readonly decision: 'repeated'; readonly last: RecordedEvent };

interface Streams {
  stream(name: string): Stream | undefined;
  isTombstoned(name: string): boolean;
}

/** Server: an append is new, a repetition of an earlier one, or in conflict with one (IndexWriter.CheckCommit). */
export function checkAppend(
  streams: Streams,
  recentIds: RecentIds,
  name: string,
  expected: ExpectedRevision,
  events: readonly ProposedEvent[],
): AppendCheck {
  if (streams.isTombstoned(name)) return { decision: 'deleted' };
  const stream = streams.stream(name);
  const current = stream?.lastRevision ?? -1;
  const conflict: AppendCheck = { decision: 'wrong-expected-revision', current: BigInt(current) };

  if (expected === 'stream_exists' && !exists(streams, name)) return conflict;
  if (expected === 'any' || expected === 'stream_exists') {
    return checkByRecentIds(recentIds, name, events) ?? conflict;
  }

  const after = expected === 'no_stream' ? -1 : Number(expected);
  if (after === current) return { decision: 'ok' };
  if (after > current || !stream) return conflict;
  const repeated = stream.events.slice(after + 1, after + 1 + events.length);
  const last = repeated.at(-1);
  if (last && repeated.length === events.length && sameIds(repeated, events)) {
    return { decision: 'repeated', last };
  }
  // Server: a deleted stream may be begun again as if it had never been.
  const begunAnew = expected === 'no_stream' && isSoftDeleted(stream.metadata);
  return begunAnew && repeated[0]?.id !== events[0]?.id ? { decision: 'ok' } : conflict;
}

/** Server: a stream exists by its events or its metadata, unless it was deleted (StreamExists). */
function exists(streams: Streams, name: string): boolean {
  const stream = streams.stream(name);
  if (stream && isSoftDeleted(stream.metadata)) return false;
  return [stream, streams.stream(metastreamOf(name))].some((one) => one && one.lastRevision >= 0);
}

/** Server: without a revision a repetition is known by all of its ids; if only some are known, it is a conflict. */
function checkByRecentIds(
  recentIds: RecentIds,
  name: string,
  events: readonly ProposedEvent[],
): AppendCheck | undefined {
  const [first, ...rest] = events;
  const known = first && recentIds.find(first.id, name);
  if (!known) return { decision: 'ok' };
  let last = known;
  for (const { id } of rest) {
    const event = recentIds.find(id, name);
    if (!event) return undefined;
    last = event;
  }
  return { decision: 'repeated', last };
}

const sameIds = (some: readonly { id: string }[], others: readonly { id: string }[]): boolean =>
  some.every(({ id }, index) => id === others[index]?.id);
