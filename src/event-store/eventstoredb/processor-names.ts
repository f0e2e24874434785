import type { ServerLink } from './server-link.js';
import { SmallStream } from './small-stream.js';
import type { StreamNames } from './stream-names.js';

/**
 * Whose small streams there may be. The cluster lists no streams, and looking for them in `$all` takes
 * the longer the larger the log is; so each name is written down before the first of its streams.
 */
export class ProcessorNames {
  private readonly stream: SmallStream<{ readonly names: readonly string[] }>;
  private readonly written = new Set<string>();
  private wanted: string[] = [];
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(link: ServerLink, names: StreamNames) {
    this.stream = new SmallStream(link, names.processors, 'Processors');
  }

  /** Some of them may have nothing left. Rejects with LogUnavailable. */
  async read(): Promise<readonly string[]> {
    return (await this.stream.read())?.names ?? [];
  }

  /**
   * Resolves when the name is durable, at once if this process has written it before. Those that come
   * while a write is on its way share the next one. Rejects with LogUnavailable.
   */
  async add(name: string): Promise<void> {
    if (this.written.has(name)) return;
    this.wanted.push(name);
    this.next ??= this.running = this.running.catch(() => undefined).then(() => this.write());
    await this.next;
  }

  private async write(): Promise<void> {
    const { wanted } = this;
    this.wanted = [];
    this.next = undefined;
    await this.stream.change<void>((stored) => {
      const before = stored?.names ?? [];
      const names = [...new Set([...before, ...wanted])].sort();
      return names.length === before.length
        ? { answer: undefined }
        : { write: { names }, answer: undefined };
    });
    for (const name of wanted) this.written.add(name);
  }
}
