import { TryLater } from '../processing/index.js';

const STOPPED = 'it was stopped before its turn came';

/**
 * Lets at most so many work at once; the others wait for their turn in order. How many may wait is for
 * the callers to bound.
 */
export class Slots {
  private readonly waiting = new Set<() => void>();

  constructor(private free: number) {}

  /** Those who wait for their turn. */
  get queued(): number {
    return this.waiting.size;
  }

  /** @throws TryLater when the signal fires before the turn has come */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.turn(signal);
    try {
      return await work();
    } finally {
      this.free += 1;
      const [next] = this.waiting;
      next?.();
    }
  }

  private async turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new TryLater(STOPPED);
    if (this.free === 0) {
      await new Promise<void>((resolve, reject) => {
        const settle = () => {
          this.waiting.delete(settle);
          signal.removeEventListener('abort', settle);
          if (signal.aborted) return reject(new TryLater(STOPPED));
          this.free -= 1;
          resolve();
        };
        this.waiting.add(settle);
        signal.addEventListener('abort', settle);
      });
      return;
    }
    this.free -= 1;
  }
}
