import { type FeedPage, LIMITS, type QueryRequests } from '@taskmanager/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../backoff.js';
import { TaskManagerError } from '../errors.js';

export type FeedRequest = QueryRequests['read_events'];
export type ReadEvents = (request: FeedRequest, signal: AbortSignal) => Promise<FeedPage>;
const NOW = 'now';

export type FeedFilter = Omit<FeedRequest, 'from' | 'limit' | 'waitMs'>;

/** The place where the log ends now; to read from it is to see everything that comes later. */
export async function endOfFeed(read: ReadEvents, signal: AbortSignal): Promise<string> {
  const page = await read({ from: NOW, limit: 1, waitMs: 0 }, signal);
  return page.position ?? 'start';
}

/** The service does not know this position: it has another log, or an older one was put back. */
export class LostPosition extends TaskManagerError {
  constructor(from: string, { code, message, details, correlationId }: TaskManagerError) {
    const why = `The service does not know the feed's position ${from} any more. What happened before now is not heard; the feed begins anew at the end of the log.`;
    super(code, `${why} ${message}`, details, correlationId);
  }
}

/**
 * The feed from a position on, for ever: each page once, in order. Whatever breaks in between, it goes
 * on from where it was; where that is lost, from the end of the log. Ends when `signal` fires.
 *
 * @param onError told of every failed read, as {@link LostPosition} where it begins anew; what it throws
 *   ends the feed
 */
export async function* followFeed(
  read: ReadEvents,
  from: string,
  filter: FeedFilter,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): AsyncGenerator<FeedPage, void> {
  let position = from;
  let failures = 0;
  const limit = LIMITS.eventPage;
  while (!signal.aborted) {
    let page: FeedPage;
    try {
      page = await read(
        // Without a position to go on from, nothing may happen between two reads.
        { ...filter, from: position, waitMs: position === NOW ? 0 : LIMITS.waitMs, limit },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      if (isLost(error)) {
        onError(new LostPosition(position, error));
        position = NOW;
        continue;
      }
      onError(error);
      await sleep(backoffMs(failures++), undefined, { signal }).catch(() => undefined);
      continue;
    }
    failures = 0;
    if (signal.aborted) return;
    yield page;
    position = page.position ?? (position === NOW ? 'start' : position);
  }
}

function isLost(error: unknown): error is TaskManagerError {
  return (
    error instanceof TaskManagerError &&
    error.code === 'VALIDATION_FAILED' &&
    error.details?.field === 'from'
  );
}
