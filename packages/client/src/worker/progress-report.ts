import type { Limited, TimeLimits } from '../time-limits.js';
import type { ProgressValue } from './running-task.js';

/** At most one message for each task in so many milliseconds. */
const EVERY_MS = 100;

export interface Progress {
  readonly progress?: number;
  readonly completedItems?: number;
  readonly totalItems?: number;
  readonly message?: string;
}

/**
 * One task's progress on its way: the first is sent at once, what comes soon after it is held back, and
 * of that the newest is sent. While one has no answer yet, so while the service is away, none follows.
 */
export class ProgressReport implements Limited {
  /** When what is held back is due, on the clock of `performance.now()`. */
  deadline = -Infinity;
  private heldBack: Progress | undefined;
  private unanswered = 0;
  private closed = false;

  /**
   * @param send resolves when it is answered, or to `again` when it is not known to have arrived; must not
   *   reject
   * @param due calls {@link flush} once the deadline is over: one timer for all tasks
   */
  constructor(
    private readonly send: (progress: Progress) => Promise<'again' | void>,
    private readonly due: TimeLimits<ProgressReport>,
  ) {}

  report(progress: Progress): void {
    // As if each had been sent: one that says nothing leaves the last message.
    const message = progress.message ?? this.heldBack?.message;
    this.heldBack = message === undefined ? progress : { ...progress, message };
    this.sendWhenDue();
  }

  /** Sends what is held back now: something follows that it has to be in front of. */
  flush(): void {
    const progress = this.heldBack;
    if (!progress) return;
    this.heldBack = undefined;
    this.due.delete(this);
    this.deadline = performance.now() + EVERY_MS;
    this.unanswered++;
    void this.send(progress).then((outcome) => {
      this.unanswered--;
      // What was reported meanwhile is newer, and after the last word there is nothing more to say.
      if (outcome === 'again' && !this.closed) this.heldBack ??= progress;
      if (this.heldBack) this.sendWhenDue();
    });
  }

  /** Sends what is held back, or forgets it, and takes no more: the task has ended. */
  close({ drop }: { readonly drop: boolean }): void {
    this.closed = true;
    if (!drop) return this.flush();
    this.heldBack = undefined;
    this.due.delete(this);
  }

  private sendWhenDue(): void {
    if (this.unanswered > 0) return;
    if (performance.now() >= this.deadline) this.flush();
    else this.due.add(this);
  }
}

/** @throws TypeError for what is no progress */
export function progressOf(value: ProgressValue): Progress {
  if (typeof value === 'number') {
    if (!(value >= 0 && value <= 100)) throw new TypeError(`progress: 0 to 100, not ${value}`);
    return { progress: value };
  }
  const { completedItems, totalItems } = value;
  const areCounts = isCount(completedItems) && isCount(totalItems);
  if (!areCounts || completedItems > totalItems) {
    throw new TypeError(`progress: ${completedItems} of ${totalItems} items cannot be done`);
  }
  return { completedItems, totalItems };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
