import { LogOverloaded, LogUnavailable } from '../event-log.errors.js';

interface Waiting {
  readonly chars: number;
  readonly start: () => void;
}

/**
 * How many calls are on their way at once, and how many may wait for their turn: the client itself
 * has no bound. Whoever waits longer than he may is refused, and then nothing was sent.
 */
export class CallQueue {
  private running = 0;
  private waiting = new Set<Waiting>();
  private waitingChars = 0;

  constructor(
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
    private readonly maxWaitingChars = Infinity,
  ) {}

  /** @param until as `performance.now()` tells it: the call has to have begun by then */
  async run<T>(until: number, work: () => Promise<T>, chars = 0): Promise<T> {
    if (this.running < this.maxRunning) this.running += 1;
    else await this.turn(until, chars);
    try {
      return await work();
    } finally {
      this.next();
    }
  }

  private turn(until: number, chars: number): Promise<void> {
    const count = this.waiting.size;
    if (count >= this.maxWaiting || this.waitingChars > this.maxWaitingChars) {
      throw new LogOverloaded(count);
    }
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        chars,
        start: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.forget(entry);
        reject(new LogUnavailable(`${count} calls before this one have not ended in time`, false));
      }, until - performance.now());
      this.waiting.add(entry);
      this.waitingChars += chars;
    });
  }

  /** Hands the place on, so that nobody slips in before the one who has waited longest. */
  private next(): void {
    const [first] = this.waiting;
    if (!first) {
      this.running -= 1;
      return;
    }
    this.forget(first);
    first.start();
  }

  private forget(entry: Waiting): void {
    this.waiting.delete(entry);
    this.waitingChars -= entry.chars;
  }
}
