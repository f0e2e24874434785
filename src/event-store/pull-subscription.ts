import type { Position } from '@taskmanager/protocol';
import type { LogBatch, LogFilter, RecordedEvent } from './event-log.port.js';

/** A page by the adapter's own numbers: everything up to `offset` was looked at. */
export interface OffsetPage {
  readonly events: readonly RecordedEvent[];
  readonly offset: number;
  readonly end: boolean;
}

/** What a subscription needs of a log. */
export interface PageSource {
  pageAfter(
    offset: number,
    filter: LogFilter | undefined,
    limit: number,
  ): OffsetPage | Promise<OffsetPage>;
  positionAt(offset: number): Position | undefined;
  /** Tells whenever something may have been appended, and on close; answers how to stop that. */
  watch(subscription: Watcher): () => void;
}

export interface Watcher {
  changed(): void;
  end(): void;
}

export interface PullOptions {
  readonly from: number;
  readonly filter: LogFilter | undefined;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

const DONE: IteratorResult<LogBatch> = { done: true, value: undefined };

/**
 * One reader of a log, from a place on and then live. It holds no events: each `next()` asks the
 * source for the page after the last one and waits only when there is none. Not an async generator,
 * because a generator's `return()` would wait behind a `next()` that waits for events.
 */
export class PullSubscription implements AsyncIterator<LogBatch>, Watcher {
  private offset: number;
  private reachedHead = false;
  private stale = true;
  private ended = false;
  private wake: (() => void) | undefined;
  private unwatch: (() => void) | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly source: PageSource,
    private readonly options: PullOptions,
  ) {
    this.offset = options.from;
    if (options.signal?.aborted) this.ended = true;
    else options.signal?.addEventListener('abort', this.end, { once: true });
  }

  /** Calls that overlap are answered in their order. */
  next(): Promise<IteratorResult<LogBatch>> {
    const answer = this.turn.then(() => this.advance());
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  return(): Promise<IteratorResult<LogBatch>> {
    this.end();
    return Promise.resolve(DONE);
  }

  changed(): void {
    this.stale = true;
    this.wake?.();
  }

  readonly end = (): void => {
    this.ended = true;
    this.options.signal?.removeEventListener('abort', this.end);
    this.unwatch?.();
    this.unwatch = undefined;
    this.wake?.();
  };

  private async advance(): Promise<IteratorResult<LogBatch>> {
    if (!this.ended) this.unwatch ??= this.source.watch(this);
    try {
      while (!this.ended) {
        this.stale = false;
        const { filter, limit } = this.options;
        const page = await this.source.pageAfter(this.offset, filter, limit);
        if (this.ended) break;
        if (page.offset > this.offset || (page.end && !this.reachedHead)) return this.batch(page);
        await this.somethingNew();
      }
      return DONE;
    } catch (error) {
      if (this.ended) return DONE;
      this.end();
      throw error;
    }
  }

  private batch({ events, offset, end }: OffsetPage): IteratorResult<LogBatch> {
    this.offset = offset;
    this.reachedHead ||= end;
    const position = this.source.positionAt(offset);
    return { done: false, value: { events, position, caughtUp: end } };
  }

  /** A change between the page and this wait has left `stale` behind, so that no wake-up is lost. */
  private async somethingNew(): Promise<void> {
    if (this.stale || this.ended) return;
    await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = undefined;
  }
}
