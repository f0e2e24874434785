import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Position } from '@taskmanager/protocol';
import { EventLog } from '../../event-store/index.js';
import { TASK_STREAM_PREFIX } from '../../events/index.js';
import { backoffMs } from '../../processing/index.js';
import { type SizedEvent, sized } from './feed-event.js';
import type { FeedFilter } from './feed-filter.js';
import { type FeedWait, FeedWaiters } from './feed-waiters.js';
import { RecentFeed } from './recent-feed.js';

const KEPT_EVENTS = 10_000;
const KEPT_BYTES = 16 * 1024 * 1024;

/** The one subscription that serves everybody who waits for events, with the newest ones decoded. */
@Injectable()
export class FeedTail implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Feed');
  private readonly stopping = new AbortController();
  private readonly waiters = new FeedWaiters();
  private recent: RecentFeed | undefined;
  private running: Promise<void> = Promise.resolve();
  /** In a row. */
  private failures = 0;

  constructor(private readonly log: EventLog) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** Everybody who waits is answered, with nothing, before the transports close. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    this.waiters.wakeAll('ended');
    await this.running;
  }

  /** Everything up to here was seen by those who waited. */
  get head(): Position | undefined {
    return this.recent?.head;
  }

  /** Nothing that the log has acknowledged is missing in memory. */
  isAt(head: Position | undefined): boolean {
    return head === undefined || (this.head !== undefined && this.head >= head);
  }

  /** Events after a position, when all of them are in memory. */
  after(position: Position | undefined): readonly SizedEvent[] | undefined {
    return this.recent?.after(position);
  }

  /**
   * Waits for the first matching event after a position; at once when it is there already, or when
   * what is in memory does not reach back so far and the log has to be read again.
   */
  wait(
    position: Position | undefined,
    filter: FeedFilter,
    waitMs: number,
    gone?: AbortSignal,
  ): FeedWait | Promise<FeedWait> {
    if (this.stopping.signal.aborted || gone?.aborted) return 'ended';
    const recent = this.after(position);
    if (this.recent && !recent) return 'event';
    if (recent?.some(({ stored }) => filter.matches(stored))) return 'event';
    return this.waiters.add(position, filter, waitMs, gone);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        this.failures += 1;
        if (this.failures === 1) {
          this.logger.warn(`The feed cannot follow the log: ${(error as Error).message}`);
        }
        const pause = backoffMs(this.failures);
        await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    this.recent ??= await this.begin();
    const from = this.recent.head ?? 'start';
    const filter = { streamPrefix: TASK_STREAM_PREFIX };
    for await (const { events, position } of this.log.subscribe({ from, filter, signal })) {
      const decoded = events.map(sized);
      this.recent.push(decoded, position);
      if (this.failures > 0) this.logger.log('The feed follows the log again');
      this.failures = 0;
      for (const { stored } of decoded) this.waiters.wake(stored);
    }
    if (!signal.aborted) throw new Error('the log ended the subscription');
  }

  /** Those who waited before the start have to read what came before it. */
  private async begin(): Promise<RecentFeed> {
    const recent = new RecentFeed(await this.log.head(), KEPT_EVENTS, KEPT_BYTES);
    this.waiters.wakeAll('event');
    return recent;
  }
}
