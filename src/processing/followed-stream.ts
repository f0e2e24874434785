import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import {
  describeEvent,
  type EventLog,
  type RecordedEvent,
  streamPages,
} from '../event-store/index.js';
import { type DatedChainEnd, EMPTY_CHAIN, endWith } from '../events/index.js';
import { backoffMs } from './backoff.js';

export interface FollowedStreamOptions {
  readonly stream: string;
  /** Told of each event once, in order. What it throws says that the event cannot be read. */
  readonly take: (record: RecordedEvent) => void;
  readonly logger: Logger;
}

/**
 * A short stream that a process keeps folded in memory: read from its beginning once, and followed from
 * then on, so that what another process appends is heeded here too. An event that cannot be read is passed
 * over: what is decided by the others goes on.
 */
export class FollowedStream {
  private readonly stopping = new AbortController();
  private chain: DatedChainEnd = { ...EMPTY_CHAIN, timestamp: 0 };
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

  /** Where it ends, as far as it was read; while an event is taken, that event. */
  get end(): DatedChainEnd {
    return this.chain;
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
    const from = BigInt(this.chain.revision + 1);
    for await (const page of streamPages(this.log, this.options.stream, from)) {
      for (const record of page) this.take(record);
    }
    this.wasRead = true;
  }

  private take(record: RecordedEvent): void {
    const { take, logger } = this.options;
    this.chain = endWith(record);
    try {
      take(record);
    } catch (error) {
      logger.error(
        `${describeEvent(record)} cannot be read, and is not heeded here; see verify_history: ${(error as Error).message}`,
      );
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.follow(signal);
      } catch (error) {
        this.failures += 1;
        if (this.failures === 1) {
          const { logger, stream } = this.options;
          logger.warn(
            `What other processes append to ${stream} is not heard of: ${(error as Error).message}`,
          );
        }
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
