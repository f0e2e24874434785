import type { Position, TaskStatus } from '@taskmanager/protocol';

/** What every search has: at most so many ids, only of these apps, from a view at least so new. */
export interface Search {
  readonly limit: number;
  /** Apps whose tasks the actor may touch; all when undefined. */
  readonly apps?: readonly string[];
  /** The view must have reached this position, or the search is refused as UNAVAILABLE. */
  readonly after?: Position;
}

/** What a claim wants. */
export interface ClaimWish {
  readonly taskTypes: readonly string[];
  /** Apps whose tasks the actor may touch; all when undefined. */
  readonly apps?: readonly string[];
  /**
   * It was woken and found nothing that it could take: the view may be ahead of what this process has
   * heard of its own appends. It looks again after so many milliseconds, if something lies ready.
   */
  readonly lookAgainMs?: number;
}

/** From where on a task is held. */
export interface TaskStart {
  readonly revision: number;
  /** As commands answer it. */
  readonly position: string;
}

export interface Found {
  readonly taskIds: readonly string[];
  /** More than `limit` were there. */
  readonly more: boolean;
}

/**
 * Candidates for commands that name no task. What it answers may be old by the time it is read: each
 * candidate is decided on its own stream and skipped if it no longer fits.
 */
export abstract class TaskFinder {
  abstract running(
    search: Search & { readonly appName?: string; readonly taskType?: string },
  ): Promise<Found>;

  /** The task that was paused last. */
  abstract lastPaused(search: Search & { readonly appName?: string }): Promise<Found>;

  /** The tasks that changed last, the last first, from a view as new as the log is now. */
  abstract changedLast(search: Search & { readonly appName?: string }): Promise<Found>;

  /** Tasks that ended in one of these statuses at or before `completedBefore`, oldest first. */
  abstract ended(
    search: Search & {
      readonly statuses: readonly TaskStatus[];
      readonly completedBefore: number;
      readonly taskTypes?: readonly string[];
      readonly appName?: string;
    },
  ): Promise<Found>;

  /** Pending tasks for workers whose runAt has passed at `now`, by priority, then age. */
  abstract claimable(
    search: Search & { readonly taskTypes: readonly string[]; readonly now: number },
  ): Promise<Found>;

  /**
   * Running tasks whose present lease was given out by this claim command, from a view as new as the log
   * is now.
   */
  abstract heldBy(claimId: string): Promise<readonly string[]>;

  /**
   * Resolves true as soon as such a task may have become claimable, false after `waitMs`, on shutdown or
   * when `gone` fires. A task wakes one of those who wait for it.
   */
  abstract waitForClaimable(wish: ClaimWish, waitMs: number, gone?: AbortSignal): Promise<boolean>;

  /** Resolves when the view has what is in the log now. Refused as UNAVAILABLE when that takes too long. */
  abstract caughtUp(): Promise<void>;

  /**
   * One of the places of a type of which only so many tasks may be held, for this task: false when all
   * are taken. Taken and counted at once, so that two claims of this process never take the same one.
   */
  abstract takeSlot(taskId: string, taskType: string): Promise<boolean>;

  /**
   * What came of a place that was taken: from where on the task is held, and counted as such once the view
   * has it, or undefined: it was not taken. Nothing to do for a type without a limit.
   */
  abstract settleSlot(taskId: string, start: TaskStart | undefined): void;

  /** A claim that may have been woken for tasks of these types took others: somebody else looks. */
  abstract passOn(taskTypes: readonly string[]): void;

  /** A claim took nothing of what it was woken for and kept from others: they look for themselves. */
  abstract lookAgain(taskTypes: readonly string[]): void;
}
