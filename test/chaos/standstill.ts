const EVERY_MS = 50;

/**
 * How long this machine has stood still so far: what a busy one adds to each waiting time is not what a
 * time limit is about.
 */
export class Standstill {
  private stood = 0;
  private last = performance.now();
  private readonly timer = setInterval(() => this.look(), EVERY_MS);

  /** Milliseconds since the beginning. */
  get total(): number {
    this.look();
    return this.stood;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const now = performance.now();
    this.stood += Math.max(0, now - this.last - EVERY_MS);
    this.last = now;
  }
}
