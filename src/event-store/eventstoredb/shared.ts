interface Entry<T> {
  value: Promise<T>;
  owners: number;
}

/**
 * Values of which a process has one for each key, however many use it. What is no longer used is
 * ended before the next one is made, because two clients at once would disturb each other's appends.
 */
export class Shared<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private ending: Promise<void> = Promise.resolve();

  constructor(private readonly end: (value: T) => Promise<void>) {}

  /** Each that acquires a value releases it once. */
  async acquire(key: string, make: () => Promise<T>): Promise<T> {
    const entry = this.entries.get(key) ?? { value: this.ending.then(make), owners: 0 };
    this.entries.set(key, entry);
    entry.owners += 1;
    try {
      return await entry.value;
    } catch (error) {
      if (this.entries.get(key) === entry) this.entries.delete(key);
      throw error;
    }
  }

  async release(key: string): Promise<void> {
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.owners -= 1;
    if (entry.owners > 0) return;
    this.entries.delete(key);
    const value = await entry.value;
    this.ending = this.ending.then(() => this.end(value)).catch(() => undefined);
    await this.ending;
  }
}
