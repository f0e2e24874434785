import { isPosition, logIdOf, offsetOf, type Position } from '@taskmanager/protocol';
import { ForeignPosition } from './event-log.errors.js';
import type { ExpectedRevision, LogFilter, NewEvent, RecordedEvent } from './event-log.port.js';

/** What an adapter checks before it acts, in one place so that all of them refuse the same things. */

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 1_000;

/** How many events a page may hold; RangeError outside of 1 to 10,000. */
export function checkedLimit(limit: number = DEFAULT_LIMIT): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new RangeError(`A page holds 1 to ${MAX_LIMIT} events, not ${limit}.`);
  }
  return limit;
}

/** The adapter's number behind a position of its own log; ForeignPosition for any other text. */
export function ownOffset(logId: string, position: Position): number {
  if (!isPosition(position) || logIdOf(position) !== logId) {
    throw new ForeignPosition(position, logId);
  }
  return Number(offsetOf(position));
}

/** Refuses what no store could keep: half an event must never reach the log. */
export function checkAppend(expected: ExpectedRevision, events: readonly NewEvent[]): void {
  if (events.length === 0) throw new RangeError('An append needs at least one event.');
  if (typeof expected === 'bigint' && expected < 0n) {
    throw new RangeError(`Revisions start at 0, not ${expected}; a new stream is 'no_stream'.`);
  }
  for (const { id, type, data, metadata } of events) {
    if ([id, type, data, metadata].some((field) => typeof field !== 'string')) {
      throw new TypeError('id, type, data and metadata of an event are text.');
    }
  }
}

/** The filter as a question about one event; undefined when everything matches. */
export function matcherOf(filter?: LogFilter): ((event: RecordedEvent) => boolean) | undefined {
  const types = filter?.types && new Set(filter.types);
  const prefix = filter?.streamPrefix;
  if (!types && prefix === undefined) return undefined;
  return (event) =>
    (!types || types.has(event.type)) && (prefix === undefined || event.stream.startsWith(prefix));
}
