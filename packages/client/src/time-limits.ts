/** How late a time limit may be noticed, milliseconds. */
const TICK_MS = 25;

export interface Limited {
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
}

/**
 * Watches any number of time limits with one coarse timer, so that a call costs no timer of its own.
 * The timer stops by itself when nothing is left to watch.
 */
export class TimeLimits<T extends Limited> {
  private readonly items = new Set<T>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onExpired: (item: T) => void) {}

  get size(): number {
    return this.items.size;
  }

  add(item: T): void {
    this.items.add(item);
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  delete(item: T): boolean {
    return this.items.delete(item);
  }

  values(): T[] {
    return [...this.items];
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.items.clear();
  }

  private tick(): void {
    const now = performance.now();
    for (const item of this.items) {
      if (item.deadline <= now && this.items.delete(item)) this.onExpired(item);
    }
    if (this.items.size === 0) this.stop();
  }
}
