import type { JobProgress } from '@taskmanager/client';

/** The progress of what this program itself does: counts, and says at which rate and for how long still. */
export class OwnProgress {
  private done = 0;
  private readonly since = performance.now();

  /** @param total undefined while nobody knows it */
  constructor(
    private readonly unit: string,
    private readonly total: number | undefined,
  ) {}

  count(more: number): JobProgress {
    this.done += more;
    const elapsedMs = Math.max(performance.now() - this.since, 1);
    const rate = (this.done / elapsedMs) * 1_000;
    const { done, total, unit } = this;
    if (total === undefined || rate === 0) return { done, unit, rate };
    return { done, total, unit, rate, leftMs: (Math.max(total - done, 0) / rate) * 1_000 };
  }
}
