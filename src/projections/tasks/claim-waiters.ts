import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { LIMITS } from '@taskmanager/protocol';
import { Clock, Refusal } from '../../context/index.js';
import type { Queued } from './task-writer.js';

/** How long ago a task may have become ready and still be news to somebody who just looked. */
const NEWS_MS = 1_000;
/** Somebody who is told at once that there may be something looks again after this pause. */
const PAUSE_MS = 5;

interface Waiter {
  readonly types: ReadonlySet<string>;
  readonly until: number;
  /** When it is to be woken at the latest, epoch milliseconds. */
  wakeAt: number;
  timer: NodeJS.Timeout;
  readonly settle: (found: boolean) => void;
}

/** What is known about the queue when somebody starts to wait. */
export interface QueueView {
  hasReady(taskTypes: readonly string[]): boolean;
  nextRunAt(taskTypes: readonly string[]): number | undefined;
}

/** Claims that found nothing and wait for work. All that wait for a type are woken: who is quick gets it. */
@Injectable()
export class ClaimWaiters implements OnModuleDestroy {
  private readonly waiting = new Set<Waiter>();
  /** When a task of a type last became ready. */
  private readonly news = new Map<string, number>();
  private stopped = false;

  constructor(private readonly clock: Clock) {}

  /** True as soon as there may be something, false after `waitMs` or on shutdown. */
  wait(taskTypes: readonly string[], waitMs: number, queue: QueueView): Promise<boolean> {
    if (this.stopped || waitMs <= 0) return Promise.resolve(false);
    if (this.waiting.size >= LIMITS.waiting) {
      throw new Refusal(
        'OVERLOADED',
        `${LIMITS.waiting} claims wait already. Claim without waitMs, or try again later.`,
      );
    }
    const now = this.clock.now();
    return new Promise((resolve) => {
      const waiter: Waiter = {
        types: new Set(taskTypes),
        until: now + waitMs,
        wakeAt: Math.min(now + waitMs, this.soonest(taskTypes, queue, now)),
        timer: setTimeout(() => undefined, 0),
        settle: (found) => {
          clearTimeout(waiter.timer);
          this.waiting.delete(waiter);
          resolve(found);
        },
      };
      this.waiting.add(waiter);
      this.arm(waiter);
    });
  }

  /** Tasks were queued, and queries see them. */
  queued(tasks: readonly Queued[]): void {
    const now = this.clock.now();
    const runAt = new Map<string, number>();
    for (const { taskType, runAt: at = now } of tasks) {
      if (at <= now) this.news.set(taskType, now);
      runAt.set(taskType, Math.min(at, runAt.get(taskType) ?? at));
    }
    for (const waiter of this.waiting) {
      let at = Infinity;
      for (const [type, soonest] of runAt) if (waiter.types.has(type)) at = Math.min(at, soonest);
      if (at <= now) waiter.settle(true);
      else if (at < waiter.wakeAt) {
        waiter.wakeAt = at;
        this.arm(waiter);
      }
    }
  }

  /** Everybody is answered, empty, before the transports close. */
  onModuleDestroy(): void {
    this.stopped = true;
    for (const waiter of this.waiting) waiter.settle(false);
  }

  /**
   * A task that became ready between the look and the wait must not be missed. But what lies ready may
   * also be somebody else's already, and the view just does not know: so not at once, and only for news.
   */
  private soonest(taskTypes: readonly string[], queue: QueueView, now: number): number {
    const isNews = taskTypes.some((type) => (this.news.get(type) ?? -Infinity) >= now - NEWS_MS);
    if (isNews && queue.hasReady(taskTypes)) return now + PAUSE_MS;
    const runAt = queue.nextRunAt(taskTypes);
    return runAt === undefined ? Infinity : Math.max(runAt, now + PAUSE_MS);
  }

  private arm(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    const delay = Math.max(0, waiter.wakeAt - this.clock.now());
    waiter.timer = setTimeout(() => waiter.settle(waiter.wakeAt < waiter.until), delay);
  }
}
