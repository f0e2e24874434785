import { setTimeout as sleep } from 'node:timers/promises';
import type { Position } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-log.errors.js';
import type { LogFilter } from '../event-log.port.js';
import type { OffsetPage, PageSource, Watcher } from '../pull-subscription.js';
import type { LogConnection } from './log-connection.js';
import { pauseMs } from './time-limit.js';

/**
 * What one subscription reads: the newest events from memory, older ones from the cluster. While the
 * log is away it waits and tries again until the subscription is ended.
 */
export class TailReader implements PageSource {
  private readonly stopping = new AbortController();
  private wake: (() => void) | undefined;

  /** @param start the place after which to begin, which may still be on its way */
  constructor(
    private readonly connection: LogConnection,
    private start: number | Promise<number>,
    private readonly opened: (watcher: Watcher) => () => void,
  ) {}

  async pageAfter(
    offset: number,
    filter: LogFilter | undefined,
    limit: number,
  ): Promise<OffsetPage> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const from = Math.max(offset, await this.startOffset());
        const page = await this.page(from, filter, limit);
        if (page) return page;
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
        await sleep(pauseMs(failures), undefined, { signal }).catch(() => undefined);
      }
    }
    return { events: [], offset, end: false };
  }

  positionAt(offset: number): Position | undefined {
    return this.connection.recorded.positionAt(offset);
  }

  watch(watcher: Watcher): () => void {
    const closed = this.opened(watcher);
    const unwatch = this.connection.tail.watch({
      changed: () => {
        this.wake?.();
        watcher.changed();
      },
      end: () => watcher.end(),
    });
    return () => {
      closed();
      unwatch();
      this.stopping.abort();
      this.wake?.();
    };
  }

  /** Undefined when it was stopped while it waited. */
  private async page(
    offset: number,
    filter: LogFilter | undefined,
    limit: number,
  ): Promise<OffsetPage | undefined> {
    const { tail, pages } = this.connection;
    while (!this.stopping.signal.aborted) {
      const recent = tail.recent.pageAfter(offset, filter, limit);
      if (!recent) {
        const page = await pages.after(offset, filter, limit);
        return { ...page, end: page.end || (tail.isCurrent && page.offset === tail.recent.last) };
      }
      if (!recent.end || tail.isCurrent) return recent;
      // Whether that is the end nobody knows: the subscription is being made, or it runs behind.
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.wake = undefined;
    }
    return undefined;
  }

  private async startOffset(): Promise<number> {
    try {
      return await this.start;
    } catch (error) {
      this.start = this.connection.head.read().then(({ own }) => own);
      throw error;
    }
  }
}
