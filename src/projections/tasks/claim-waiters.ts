import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { ClaimWish } from '../../commands/task-finder.port.js';
import { Clock } from '../../context/index.js';
import type { Queued } from './task-writer.js';

/** How long ago a task may have become ready and still be news to somebody who just looked. */
const NEWS_MS = 1_000;
/** Somebody who is told at once that there may be something looks again after this pause. */
const PAUSE_MS = 5;
/** A timer cannot be set for any time; who waits looks for due tasks at least so often. */
const LONGEST_TIMER_MS = 60_000;

interface Waiter extends ClaimWish {
  readonly settle: (found: boolean) => void;
}

/** The queue as those who wait need it. */
export interface QueueView {
  hasReady(taskTypes: readonly string[]): boolean;
  /** How many tasks of the type lie ready, for these apps when they are named; `most` at most. */
  ready(taskType: string, most: number, apps?: readonly string[]): number;
  /** When the next task becomes claimable, epoch milliseconds. */
  nextRunAt(): number | undefined;
  /** Makes tasks claimable whose time has come, and tells of them as queued. */
  promote(now: number): void;
}

/**
 * Claims that found nothing and wait for work. A task that becomes ready wakes one of them, the one that
 * waits longest: whoever is woken and cannot take it has to say so (`lookAgain`).
 */
@Injectable()
export class ClaimWaiters implements OnModuleDestroy {
  /** By each type that they want, in the order they came. */
  private readonly waiting = new Map<string, Set<Waiter>>();
  /** When a task of a type last became ready, the oldest first; nothing older than news. */
  private readonly news = new Map<string, number>();
  /** Types of which nothing is given out now: their tasks wake nobody. */
  private readonly closed = new Set<string>();
  private queue: QueueView | undefined;
  /** One timer for the next task whose time comes, while somebody waits. */
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private stopped = false;

  constructor(private readonly clock: Clock) {}

  /** True as soon as there may be something, false after `waitMs`, on shutdown, or when `gone` fires. */
  wait(wish: ClaimWish, waitMs: number, queue: QueueView, gone?: AbortSignal): Promise<boolean> {
    if (this.stopped || gone?.aborted || waitMs <= 0) return Promise.resolve(false);
    // Nobody waits in vain for what came between his look and now. But what lies ready may also be
    // somebody else's already, and the view just does not know: so not at once, and only for news.
    const open = wish.taskTypes.filter((type) => !this.closed.has(type));
    const soon = this.isNews(open) ? PAUSE_MS : wish.lookAgainMs;
    const again = soon !== undefined && queue.hasReady(open);
    const nextRunAt = queue.nextRunAt();
    this.queue = queue;
    return new Promise((resolve) => {
      const leave = () => waiter.settle(false);
      const waiter: Waiter = {
        ...wish,
        settle: (found) => {
          clearTimeout(timer);
          gone?.removeEventListener('abort', leave);
          this.remove(waiter);
          resolve(found);
        },
      };
      const timer = setTimeout(() => waiter.settle(again), again ? Math.min(soon, waitMs) : waitMs);
      gone?.addEventListener('abort', leave);
      this.add(waiter);
      this.expect(nextRunAt);
    });
  }

  /** How many claims in this process wait for such a task. */
  waitingFor({ taskType, appName }: { taskType: string; appName: string }): number {
    let count = 0;
    for (const { apps } of this.waiting.get(taskType) ?? []) {
      if (!apps || apps.includes(appName)) count += 1;
    }
    return count;
  }

  /** Tasks were queued, and queries see them. */
  queued(tasks: readonly Queued[]): void {
    for (const task of tasks) {
      if (task.runAt !== undefined) {
        this.expect(task.runAt);
        continue;
      }
      if (this.closed.has(task.taskType)) continue;
      const waiter = this.waiterFor(task);
      // News only to those who come: of whoever waits here, one is told, and it is his to take.
      if (waiter) waiter.settle(true);
      else this.note(task.taskType);
    }
  }

  areWaiting(taskType: string): boolean {
    return this.waiting.has(taskType);
  }

  /** Claims of the type find nothing, until it is opened. */
  close(taskType: string): void {
    this.closed.add(taskType);
  }

  /** So many tasks of the type may be given out, of those that lie ready and that are still to come. */
  open(taskType: string, places: number): void {
    this.closed.delete(taskType);
    this.note(taskType);
    this.wake(taskType, places);
  }

  /** Wakes those who wait longest, so many at most, and no more than there are tasks for them. */
  wake(taskType: string, places: number): void {
    const { queue } = this;
    const waiters = this.waiting.get(taskType);
    if (!queue || !waiters) return;
    let left = queue.ready(taskType, Math.min(places, waiters.size));
    for (const waiter of waiters) {
      if (left <= 0) return;
      if (waiter.apps && queue.ready(taskType, 1, waiter.apps) === 0) continue;
      waiter.settle(true);
      left -= 1;
    }
  }

  /** Somebody could not take what he found: all who want such tasks look for themselves. */
  lookAgain(taskTypes: readonly string[]): void {
    for (const type of taskTypes) {
      for (const waiter of this.waiting.get(type) ?? []) waiter.settle(true);
    }
  }

  /** Everybody is answered, empty, before the transports close. */
  onModuleDestroy(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const waiters of this.waiting.values()) for (const waiter of waiters) waiter.settle(false);
  }

  private isNews(taskTypes: readonly string[]): boolean {
    const since = this.clock.now() - NEWS_MS;
    return taskTypes.some((type) => (this.news.get(type) ?? -Infinity) >= since);
  }

  private note(taskType: string): void {
    const now = this.clock.now();
    this.news.delete(taskType);
    this.news.set(taskType, now);
    for (const [type, at] of this.news) {
      if (at >= now - NEWS_MS) break;
      this.news.delete(type);
    }
  }

  private waiterFor({ taskType, appName }: Queued): Waiter | undefined {
    for (const waiter of this.waiting.get(taskType) ?? []) {
      if (!waiter.apps || waiter.apps.includes(appName)) return waiter;
    }
    return undefined;
  }

  private add(waiter: Waiter): void {
    for (const type of waiter.taskTypes) {
      const waiters = this.waiting.get(type) ?? new Set();
      this.waiting.set(type, waiters.add(waiter));
    }
  }

  private remove(waiter: Waiter): void {
    for (const type of waiter.taskTypes) {
      const waiters = this.waiting.get(type);
      waiters?.delete(waiter);
      if (waiters?.size === 0) this.waiting.delete(type);
    }
  }

  /** A task becomes claimable then; nobody has to be told of it when nobody waits. */
  private expect(runAt: number | undefined): void {
    if (runAt === undefined || runAt >= this.timerAt || this.waiting.size === 0) return;
    clearTimeout(this.timer);
    this.timerAt = runAt;
    const delay = Math.min(LONGEST_TIMER_MS, Math.max(PAUSE_MS, runAt - this.clock.now()));
    this.timer = setTimeout(() => this.promote(), delay);
  }

  private promote(): void {
    this.timerAt = Infinity;
    if (this.waiting.size === 0) return;
    try {
      this.queue?.promote(this.clock.now());
      this.expect(this.queue?.nextRunAt());
    } catch {
      // The view cannot be used: those who wait meet that themselves, and tell their callers.
      this.lookAgain([...this.waiting.keys()]);
    }
  }
}
