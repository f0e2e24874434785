import type { Position } from '@taskmanager/protocol';
import type { StoredTaskEvent } from '../../events/index.js';
import type { FeedFilter } from './feed-filter.js';

/** `ended`: the service stops, or the reader is gone. */
export type FeedWait = 'event' | 'late' | 'ended';

interface Waiter {
  readonly after: Position | undefined;
  readonly filter: FeedFilter;
  readonly settle: (outcome: FeedWait) => void;
}

/** Readers that wait for the first event they want. Those who name tasks are found by task. */
export class FeedWaiters {
  private readonly all = new Set<Waiter>();
  private readonly byTask = new Map<string, Set<Waiter>>();
  private readonly general = new Set<Waiter>();

  get size(): number {
    return this.all.size;
  }

  add(
    after: Position | undefined,
    filter: FeedFilter,
    waitMs: number,
    gone?: AbortSignal,
  ): Promise<FeedWait> {
    return new Promise((resolve) => {
      const leave = () => waiter.settle('ended');
      const waiter: Waiter = {
        after,
        filter,
        settle: (outcome) => {
          clearTimeout(timer);
          gone?.removeEventListener('abort', leave);
          this.remove(waiter);
          resolve(outcome);
        },
      };
      const timer = setTimeout(() => waiter.settle('late'), waitMs);
      gone?.addEventListener('abort', leave);
      this.all.add(waiter);
      for (const place of this.placesOf(waiter)) place.add(waiter);
    });
  }

  wake(event: StoredTaskEvent): void {
    for (const place of [this.byTask.get(event.taskId), this.general]) {
      for (const waiter of place ?? []) {
        const isNew = waiter.after === undefined || event.position > waiter.after;
        if (isNew && waiter.filter.matches(event)) waiter.settle('event');
      }
    }
  }

  wakeAll(outcome: FeedWait): void {
    for (const waiter of this.all) waiter.settle(outcome);
  }

  private remove(waiter: Waiter): void {
    this.all.delete(waiter);
    for (const place of this.placesOf(waiter)) place.delete(waiter);
    for (const taskId of waiter.filter.taskIds ?? []) {
      if (this.byTask.get(taskId)?.size === 0) this.byTask.delete(taskId);
    }
  }

  private placesOf({ filter }: Waiter): Set<Waiter>[] {
    if (!filter.taskIds) return [this.general];
    return [...filter.taskIds].map((taskId) => {
      const place = this.byTask.get(taskId) ?? new Set<Waiter>();
      this.byTask.set(taskId, place);
      return place;
    });
  }
}
