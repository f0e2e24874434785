import type { FeedEvent, FeedPage } from '@taskmanager/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import { endOfFeed, followFeed, LostPosition, type ReadEvents } from '../feed/follow.js';
import { pauseAfter } from './insist.js';
import { HEARD_BY_WORKERS, newsOfEvent, type TaskNews } from './task-news.js';

/** Tasks of which news is kept that this worker does not hold, or not yet. */
const MOST_KEPT = 10_000;

export interface StopFeedParts {
  readonly read: ReadEvents;
  readonly taskTypes: readonly string[];
  /** Whether the news was about a task that is held. */
  readonly tell: (taskId: string, news: TaskNews) => boolean;
  /** News may be missing: whoever holds tasks has to ask for them. */
  readonly onGap: () => void;
  readonly onError: (error: unknown) => void;
  /** Fires when nothing is to be heard any more. */
  readonly ended: AbortSignal;
}

/** Hears of every pause, resume, cancel and the like of the worker's task types, for its whole life. */
export class StopFeed {
  /** The newest of tasks that are not held: the answer of the claim that took one may still be on its way. */
  private readonly kept = new Map<string, TaskNews>();

  constructor(private readonly parts: StopFeedParts) {}

  /**
   * Resolves when it is fixed from where on everything is heard, however long the service is away; then
   * tasks may be claimed. Also when `stopping` fires before.
   */
  async start(stopping: AbortSignal): Promise<void> {
    for (let failures = 0; !stopping.aborted; failures++) {
      try {
        const from = await endOfFeed(this.parts.read, stopping);
        void this.follow(from);
        return;
      } catch (error) {
        if (stopping.aborted) return;
        this.parts.onError(error);
        const pause = pauseAfter(error, failures);
        await sleep(pause, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  }

  /** What was heard of a task before its claim was answered; told once. */
  newsOf(taskId: string): TaskNews | undefined {
    const news = this.kept.get(taskId);
    if (news) this.kept.delete(taskId);
    return news;
  }

  private async follow(from: string): Promise<void> {
    const { read, taskTypes, onError, onGap, ended } = this.parts;
    const filter = { taskTypes, events: HEARD_BY_WORKERS };
    const pages = followFeed(read, from, filter, ended, (error) => {
      onError(error);
      if (error instanceof LostPosition) onGap();
    });
    for await (const page of pages) this.hear(page);
  }

  private hear({ events }: FeedPage): void {
    for (const [index, event] of events.entries()) {
      // Deleting a task that is not over cancels it in the same append: what counts is that it is gone.
      if (event.event === 'cancelled' && isDeletionOf(event, events[index + 1])) continue;
      const news = newsOfEvent(event);
      if (!this.parts.tell(event.taskId, news)) this.keep(event.taskId, news);
    }
  }

  private keep(taskId: string, news: TaskNews): void {
    this.kept.delete(taskId);
    this.kept.set(taskId, news);
    if (this.kept.size <= MOST_KEPT) return;
    // What is forgotten here a renewal still tells.
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

function isDeletionOf(cancelled: FeedEvent, next: FeedEvent | undefined): boolean {
  return next?.event === 'deleted' && next.taskId === cancelled.taskId;
}
