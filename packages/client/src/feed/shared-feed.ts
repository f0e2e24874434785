import type { FeedEvent } from '@taskmanager/protocol';
import { endOfFeed, type FeedFilter, followFeed, LostPosition, type ReadEvents } from './follow.js';

export type Deliver = (event: FeedEvent) => void;

export interface FeedSubscription {
  /** Resolves when it is fixed from where on events are delivered; rejects when that cannot be found out. */
  readonly started: Promise<void>;
  stop(): void;
}

interface Subscriber {
  readonly deliver: Deliver;
  /** Unknown while it is being asked for; what comes meanwhile is kept. */
  start: string | undefined;
  kept: FeedEvent[];
}

/**
 * One reader of the feed for everybody in this client who listens. It runs while somebody does; each
 * gets what happened after its own start, in order, once.
 */
export class SharedFeed {
  private readonly subscribers = new Set<Subscriber>();
  private starting: Promise<unknown> = Promise.resolve();
  private running: AbortController | undefined;

  /** @param onError told of failed reads and of subscribers that throw; neither ends the feed. Must not throw */
  constructor(
    private readonly read: ReadEvents,
    private readonly filter: FeedFilter,
    private readonly onError: (error: unknown) => void,
  ) {}

  subscribe(deliver: Deliver): FeedSubscription {
    const subscriber: Subscriber = { deliver, start: undefined, kept: [] };
    const asking = new AbortController();
    this.subscribers.add(subscriber);
    const stop = () => {
      asking.abort();
      this.subscribers.delete(subscriber);
      if (this.subscribers.size === 0) this.end();
    };
    // One after the other: whoever fixes a start later must not get an earlier one.
    const started = this.starting.then(async () => {
      try {
        this.begin(subscriber, await endOfFeed(this.read, asking.signal));
      } catch (error) {
        stop();
        throw error;
      }
    });
    this.starting = started.catch(() => undefined);
    return { started, stop };
  }

  get isIdle(): boolean {
    return this.subscribers.size === 0;
  }

  close(): void {
    this.subscribers.clear();
    this.end();
  }

  private begin(subscriber: Subscriber, start: string): void {
    if (!this.subscribers.has(subscriber)) return;
    subscriber.start = start;
    for (const event of subscriber.kept) this.offer(subscriber, event);
    subscriber.kept = [];
    if (!this.running) void this.run(start);
  }

  private async run(from: string): Promise<void> {
    const running = new AbortController();
    this.running = running;
    const onError = (error: unknown) => this.tell(error);
    const pages = followFeed(this.read, from, this.filter, running.signal, onError);
    for await (const page of pages) {
      for (const event of page.events) {
        for (const subscriber of this.subscribers) this.offer(subscriber, event);
      }
    }
  }

  private tell(error: unknown): void {
    if (error instanceof LostPosition) this.beginAnew();
    this.onError(error);
  }

  /** Positions of before mean nothing any more: whoever had a start gets all that comes now. */
  private beginAnew(): void {
    for (const subscriber of this.subscribers) {
      if (subscriber.start !== undefined) subscriber.start = 'start';
      subscriber.kept = [];
    }
  }

  private offer(subscriber: Subscriber, event: FeedEvent): void {
    const { start, kept, deliver } = subscriber;
    if (!this.subscribers.has(subscriber)) return;
    if (start === undefined) {
      kept.push(event);
    } else if (start === 'start' || event.position > start) {
      try {
        deliver(event);
      } catch (error) {
        this.onError(error);
      }
    }
  }

  private end(): void {
    this.running?.abort();
    this.running = undefined;
  }
}
