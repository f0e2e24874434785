import type { ExpectedRevision, NewEvent, RecordedEvent } from '../event-store/index.js';

/** One append of the copy: neighbours in the log that belong to one stream. */
export interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
  readonly last: RecordedEvent;
  /** Text in it, in characters. */
  readonly chars: number;
}

/** EventStoreDB takes 1 MiB in one append by default; a character is up to three bytes. */
const MAX_CHARS = 256 * 1024;
const MAX_EVENTS = 500;

/** Cuts a piece of the log into appends whose order, one after the other, is the log's. */
export function appendsOf(events: readonly RecordedEvent[]): Append[] {
  const appends: Append[] = [];
  for (let start = 0; start < events.length;) {
    const run = runFrom(events, start);
    appends.push(run);
    start += run.events.length;
  }
  return appends;
}

function runFrom(events: readonly RecordedEvent[], start: number): Append {
  const first = events[start];
  if (!first) throw new RangeError(`There is no event ${start} among ${events.length}.`);
  let last = first;
  let end = start + 1;
  let chars = charsOf(first);
  for (; end < events.length && end - start < MAX_EVENTS; end++) {
    const next = events[end];
    if (!next || next.stream !== first.stream || next.revision !== last.revision + 1n) break;
    if (chars + charsOf(next) > MAX_CHARS) break;
    chars += charsOf(next);
    last = next;
  }
  return {
    stream: first.stream,
    expected: first.revision === 0n ? 'no_stream' : first.revision - 1n,
    events: events.slice(start, end).map(asNew),
    last,
    chars,
  };
}

const asNew = ({ id, type, data, metadata }: RecordedEvent): NewEvent => ({
  id,
  type,
  data,
  metadata,
});

const charsOf = ({ data, metadata }: RecordedEvent): number => data.length + metadata.length;
