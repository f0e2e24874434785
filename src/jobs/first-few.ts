const MOST_BYTES = 256 * 1024;

/**
 * The first of many, for the result of a job, which is one answer whatever it found: so many, and so many
 * bytes of their JSON text; the others are counted.
 */
export class FirstFew<T extends object> {
  readonly items: T[] = [];
  count = 0;
  private bytes = 0;

  constructor(
    private readonly most: number,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  add(item: T): void {
    this.count += 1;
    if (this.items.length >= this.most || this.bytes > this.mostBytes) return;
    this.bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (this.bytes <= this.mostBytes) this.items.push(item);
  }

  /** What another one has kept and counted, behind these. */
  addAll(items: readonly T[], count: number): void {
    for (const item of items) this.add(item);
    this.count += count - items.length;
  }
}
