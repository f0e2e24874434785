export type Method =
  'append' | 'batchAppend' | 'delete' | 'tombstone' | 'read' | 'subscribe' | 'features' | 'gossip';

export interface CallCount {
  /** Calls that neither side has ended. */
  readonly open: number;
  /** Calls since the server was started for the first time. */
  readonly total: number;
}

/** Counts the calls of a server, so that a test can assert that none was left open. */
export class CallLog {
  private readonly counts = new Map<Method, { open: number; total: number }>();
  private readonly waiting = new Set<() => void>();

  of(method: Method): CallCount {
    return { ...this.count(method) };
  }

  /** All methods that were ever called. */
  all(): Partial<Record<Method, CallCount>> {
    return Object.fromEntries([...this.counts].map(([method, count]) => [method, { ...count }]));
  }

  /** Resolves when `condition` holds; it is asked again after each call that begins or ends. */
  async until(condition: (calls: CallLog) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  /** Counts a call in; the answer counts it out, once. */
  begin(method: Method): () => void {
    const count = this.count(method);
    count.open += 1;
    count.total += 1;
    this.changed();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      count.open -= 1;
      this.changed();
    };
  }

  private count(method: Method): { open: number; total: number } {
    let count = this.counts.get(method);
    if (!count) this.counts.set(method, (count = { open: 0, total: 0 }));
    return count;
  }

  private changed(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
