import type { Position } from '@taskmanager/protocol';

/** `full`: too many wait already. */
export type WaitOutcome = 'reached' | 'late' | 'full' | 'stopped';

interface Waiter {
  readonly position: Position;
  readonly settle: (outcome: WaitOutcome) => void;
}

/** Those who wait until a processor has handled an event. Their number and their time are bounded. */
export class PositionWaiters {
  private readonly waiting = new Set<Waiter>();
  private reached: Position | undefined;
  private stopped = false;

  constructor(private readonly limit: number) {}

  /** Positions of one log compare as text. Answers at once what is known at once. */
  wait(position: Position, timeoutMs: number): WaitOutcome | Promise<WaitOutcome> {
    if (this.reached !== undefined && this.reached >= position) return 'reached';
    if (this.stopped) return 'stopped';
    if (timeoutMs <= 0) return 'late';
    if (this.waiting.size >= this.limit) return 'full';
    return new Promise((resolve) => {
      const waiter: Waiter = {
        position,
        settle: (outcome) => {
          clearTimeout(timer);
          this.waiting.delete(waiter);
          resolve(outcome);
        },
      };
      const timer = setTimeout(() => waiter.settle('late'), timeoutMs);
      this.waiting.add(waiter);
    });
  }

  advance(position: Position): void {
    this.reached = position;
    for (const waiter of this.waiting) {
      if (waiter.position <= position) waiter.settle('reached');
    }
  }

  /** Everybody who waits is told at once, and so is whoever comes later. */
  stop(): void {
    this.stopped = true;
    for (const waiter of this.waiting) waiter.settle('stopped');
  }
}
