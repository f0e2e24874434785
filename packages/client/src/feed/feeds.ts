import type { FeedFilter, ReadEvents } from './follow.js';
import { SharedFeed } from './shared-feed.js';

/** The feeds of one client: whoever wants the same events shares one reader. */
export class Feeds {
  private readonly feeds = new Map<string, SharedFeed>();

  /** As {@link SharedFeed} takes them. */
  constructor(
    private readonly read: ReadEvents,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** To be subscribed to at once: a feed that nobody listens to is forgotten. */
  of(filter: FeedFilter): SharedFeed {
    for (const [key, feed] of this.feeds) if (feed.isIdle) this.feeds.delete(key);
    const key = JSON.stringify(filter);
    const feed = this.feeds.get(key) ?? new SharedFeed(this.read, filter, this.onError);
    this.feeds.set(key, feed);
    return feed;
  }

  close(): void {
    for (const feed of this.feeds.values()) feed.close();
  }
}
