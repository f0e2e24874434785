import { type FeedPage, LIMITS, type QueryRequests } from '@taskmanager/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../backoff.js';

export type FeedRequest = QueryRequests['read_events'];
export type ReadEvents = (request: FeedRequest, signal: AbortSignal) => Promise<FeedPage>;
export type FeedFilter = Omit<FeedRequest, 'from' | 'limit' | 'waitMs'>;

/** The place where the log ends now; to read from it is to see everything that comes later. */
export async function endOfFeed(read: ReadEvents, signal: AbortSignal): Promise<string> {
  const page = await read({ from: 'now', limit: 1, waitMs: 0 }, signal);
  return page.position ?? 'start';
}

/**
 * The feed from a position on, for ever: each page once, in order. Whatever breaks in between, it goes
 * on from where it was. Ends when `signal` fires.
 *
 * @param onError told of every failed read; what it throws ends the feed
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
  while (!signal.aborted) {
    let page: FeedPage;
    try {
      page = await read(
        { ...filter, from: position, limit: LIMITS.eventPage, waitMs: LIMITS.waitMs },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      await sleep(backoffMs(failures++), undefined, { signal }).catch(() => undefined);
      continue;
    }
    failures = 0;
    if (signal.aborted) return;
    yield page;
    position = page.position ?? position;
  }
}
