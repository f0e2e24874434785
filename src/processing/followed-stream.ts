import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog, RecordedEvent } from '../event-store/index.js';
import { backoffMs } from './backoff.js';

const PAGE = 1_000;

export interface FollowedStreamOptions {
  readonly stream: string;
  /** Told of each event once, in order. */
  readonly take: (record: RecordedEvent) => void;
  /** Told when what other processes append is not heard of, once until it is again. */
  readonly lost: (why: string) => void;
}

/**
 * A short stream that a process keeps folded in memory: read from its beginning once, and followed from
 * then on, so that what another process appends is heeded here too.
 */
export class FollowedStream {
  private readonly stopping = new AbortController();
  private next = 0n;
  private reading: Promise<void> = Promise.resolve();
  private wasRead = false;
  private running: Promise<void> = Promise.resolve();
  /** In a row. */
  private failures = 0;

  constructor(
    private readonly log: EventLog,
    private readonly options: FollowedStreamOptions,
  ) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** It was read to its end once. */
  get isReady(): boolean {
    return this.wasRead;
  }

  /** At once when it was read before. */
  ready(): Promise<void> {
    return this.wasRead ? Promise.resolve() : this.refresh();
  }

  /** Reads to its end. Rejects with LogUnavailable. */
  refresh(): Promise<void> {
    const read = this.reading.then(() => this.read());
    this.reading = read.catch(() => undefined);
    return read;
  }

  private async read(): Promise<void> {
    const { stream, take } = this.options;
    for (;;) {
      const page = await this.log.readStream(stream, { from: this.next, limit: PAGE });
      for (const record of page) {
        take(record);
        this.next = record.revision + 1n;
      }
      if (page.length < PAGE) break;
    }
    this.wasRead = true;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.follow(signal);
      } catch (error) {
        this.failures += 1;
        if (this.failures === 1) this.options.lost((error as Error).message);
        const pause = backoffMs(this.failures);
        await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const from = (await this.log.head()) ?? 'start';
    await this.refresh();
    const filter = { streamPrefix: this.options.stream };
    for await (const { events } of this.log.subscribe({ from, filter, signal })) {
      this.failures = 0;
      if (events.length > 0) await this.refresh();
    }
    if (!signal.aborted) throw new Error('the log ended the subscription');
  }
}
