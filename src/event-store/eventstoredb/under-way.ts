/** Calls that are not over yet: whoever closes waits for them first. */
export class UnderWay {
  private readonly calls = new Set<Promise<unknown>>();

  async track<T>(work: () => Promise<T>): Promise<T> {
    const call = work();
    this.calls.add(call);
    try {
      return await call;
    } finally {
      this.calls.delete(call);
    }
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.calls);
  }
}
