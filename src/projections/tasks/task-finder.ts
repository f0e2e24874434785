import { Injectable } from '@nestjs/common';
import type { TaskStatus } from '@taskmanager/protocol';
import { type Found, type Search, TaskFinder } from '../../commands/task-finder.port.js';
import { ClaimWaiters } from './claim-waiters.js';
import { FreshTasks } from './task-freshness.js';

/** Finds candidates for commands in the task view. */
@Injectable()
export class ViewTaskFinder extends TaskFinder {
  constructor(
    private readonly fresh: FreshTasks,
    private readonly waiters: ClaimWaiters,
  ) {
    super();
  }

  async running(
    search: Search & { readonly appName?: string; readonly taskType?: string },
  ): Promise<Found> {
    const { appName, apps, taskType } = search;
    const { searches } = await this.fresh.at(search.after);
    const filter = { appName, apps, ...(taskType !== undefined && { taskTypes: [taskType] }) };
    return upTo(search.limit, (limit) => searches.running(filter, limit));
  }

  async lastPaused(search: Search & { readonly appName?: string }): Promise<Found> {
    const { appName, apps } = search;
    const { searches } = await this.fresh.at(search.after);
    return upTo(search.limit, (limit) => searches.lastPaused({ appName, apps }, limit));
  }

  async ended(
    search: Search & {
      readonly statuses: readonly TaskStatus[];
      readonly completedBefore: number;
    },
  ): Promise<Found> {
    const { statuses, completedBefore, apps } = search;
    const { searches } = await this.fresh.at(search.after);
    return upTo(search.limit, (limit) => searches.ended(statuses, completedBefore, apps, limit));
  }

  async claimable(
    search: Search & { readonly taskTypes: readonly string[]; readonly now: number },
  ): Promise<Found> {
    const { queue } = await this.fresh.at(search.after);
    return upTo(search.limit, (limit) => queue.claimable({ ...search, limit }));
  }

  async heldBy(claimId: string): Promise<readonly string[]> {
    const { searches } = await this.fresh.at(undefined);
    return searches.heldBy(claimId);
  }

  async waitForClaimable(taskTypes: readonly string[], waitMs: number): Promise<boolean> {
    const { queue } = await this.fresh.at(undefined);
    return this.waiters.wait(taskTypes, waitMs, queue);
  }
}

function upTo(limit: number, find: (limit: number) => readonly string[]): Found {
  const found = find(limit + 1);
  return { taskIds: found.slice(0, limit), more: found.length > limit };
}
