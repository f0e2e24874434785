import { Injectable } from '@nestjs/common';
import type { TaskStatus } from '@taskmanager/protocol';
import {
  type ClaimWish,
  type Found,
  type Search,
  TaskFinder,
  type TaskStart,
} from '../../commands/task-finder.port.js';
import { EventLog } from '../../event-store/index.js';
import { ClaimSlots } from './claim-slots.js';
import { ClaimWaiters } from './claim-waiters.js';
import { FreshTasks } from './task-freshness.js';
import type { TaskGeneration } from './task-generation.js';

/** Finds candidates for commands in the task view. */
@Injectable()
export class ViewTaskFinder extends TaskFinder {
  /** The view has seen what was in the log when the first place was asked for. */
  private seenStart: Promise<void> | undefined;

  constructor(
    private readonly fresh: FreshTasks,
    private readonly waiters: ClaimWaiters,
    private readonly log: EventLog,
    private readonly slots: ClaimSlots,
  ) {
    super();
  }

  async running(
    search: Search & { readonly appName?: string; readonly taskType?: string },
  ): Promise<Found> {
    const { appName, apps, taskType } = search;
    const filter = { appName, apps, ...(taskType !== undefined && { taskTypes: [taskType] }) };
    return this.find(search, ({ searches }, limit) => searches.running(filter, limit));
  }

  async lastPaused(search: Search & { readonly appName?: string }): Promise<Found> {
    const { appName, apps } = search;
    return this.find(search, ({ searches }, limit) =>
      searches.lastPaused({ appName, apps }, limit),
    );
  }

  async changedLast(search: Search & { readonly appName?: string }): Promise<Found> {
    const { appName, apps, limit } = search;
    return this.find({ limit, after: await this.log.head() }, ({ searches }, most) =>
      searches.changedLast({ appName, apps }, most),
    );
  }

  async ended(
    search: Search & {
      readonly statuses: readonly TaskStatus[];
      readonly completedBefore: number;
      readonly taskTypes?: readonly string[];
      readonly appName?: string;
    },
  ): Promise<Found> {
    const { statuses, taskTypes, appName, apps, completedBefore } = search;
    return this.find(search, ({ searches }, limit) =>
      searches.ended({ statuses, taskTypes, appName, apps }, completedBefore, limit),
    );
  }

  async claimable(
    search: Search & { readonly taskTypes: readonly string[]; readonly now: number },
  ): Promise<Found> {
    return this.find(search, ({ queue }, limit) => queue.claimable({ ...search, limit }));
  }

  async heldBy(claimId: string): Promise<readonly string[]> {
    return this.fresh.read(await this.log.head(), ({ searches }) => searches.heldBy(claimId));
  }

  async waitForClaimable(wish: ClaimWish, waitMs: number, gone?: AbortSignal): Promise<boolean> {
    return this.fresh.read(undefined, ({ queue }) => this.waiters.wait(wish, waitMs, queue, gone));
  }

  async caughtUp(): Promise<void> {
    await this.fresh.read(await this.log.head(), () => undefined);
  }

  async takeSlot(taskId: string, taskType: string): Promise<boolean> {
    // What this process gave out before it was started again is not counted here, but in the view.
    this.seenStart ??= this.caughtUp().catch((error: unknown) => {
      this.seenStart = undefined;
      throw error;
    });
    await this.seenStart;
    return this.fresh.read(undefined, () => this.slots.take(taskId, taskType));
  }

  settleSlot(taskId: string, start: TaskStart | undefined): void {
    this.slots.settle(taskId, start);
  }

  passOn(taskTypes: readonly string[]): void {
    this.slots.passOn(taskTypes);
  }

  lookAgain(taskTypes: readonly string[]): void {
    this.waiters.lookAgain(taskTypes);
  }

  private async find(
    { after, limit }: Search,
    look: (tasks: TaskGeneration, limit: number) => readonly string[],
  ): Promise<Found> {
    const found = await this.fresh.read(after, (tasks) => look(tasks, limit + 1));
    return { taskIds: found.slice(0, limit), more: found.length > limit };
  }
}
