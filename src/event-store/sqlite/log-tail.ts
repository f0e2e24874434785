import { LogUnavailable } from '../event-log.errors.js';
import type { LogFilter, RecordedEvent } from '../event-log.port.js';
import type { OffsetPage, PageSource, Watcher } from '../pull-subscription.js';
import type { EventPages } from './event-pages.js';
import type { LogFile } from './log-file.js';
import { RecentEvents } from './recent-events.js';
import type { RecordedEvents } from './recorded-events.js';

/** How far other processes may have run ahead for their events to be worth keeping in memory. */
const TAIL_PAGE = 1_000;

/**
 * What subscriptions read: the newest events from memory, older ones from the file. Own appends are
 * told as they become durable; those of other processes are found by polling while somebody listens.
 */
export class LogTail implements PageSource {
  private readonly watchers = new Set<Watcher>();
  private readonly recent: RecentEvents;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly file: LogFile,
    private readonly pages: EventPages,
    private readonly recorded: RecordedEvents,
  ) {
    this.recent = new RecentEvents(file.settings.recentEvents, file.settings.recentChars);
  }

  pageAfter(
    offset: number,
    filter: LogFilter | undefined,
    limit: number,
  ): OffsetPage | Promise<OffsetPage> {
    const recent = this.watchers.size > 0 && this.recent.pageAfter(offset, filter, limit);
    return recent || this.pageFromFile(offset, filter, limit);
  }

  pageFromFile(offset: number, filter: LogFilter | undefined, limit: number): Promise<OffsetPage> {
    return this.file.readInTurn(
      () => this.pages.after(offset, filter, limit),
      (page) => page.offset - offset,
    );
  }

  positionAt(offset: number) {
    return this.recorded.positionAt(offset);
  }

  watch(watcher: Watcher): () => void {
    if (this.closed) throw new LogUnavailable('it is closed', false);
    if (this.watchers.size === 0) {
      this.recent.reset(this.file.read(() => this.pages.head()));
      this.timer = setInterval(this.poll, this.file.settings.pollMs).unref();
    }
    this.watchers.add(watcher);
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size > 0) return;
      clearInterval(this.timer);
      this.recent.reset(0);
    };
  }

  /**
   * Own events, durable now. When others wrote in between, the row starts anew with these. Polling may
   * have found them first, for a thread that writes tells of its commit a little later.
   */
  appended(before: number, events: readonly RecordedEvent[]): void {
    if (this.watchers.size === 0 || before + events.length <= this.recent.last) return;
    if (before !== this.recent.last) this.recent.reset(before);
    this.recent.push(events);
    this.tell();
  }

  close(): void {
    this.closed = true;
    for (const watcher of [...this.watchers]) watcher.end();
  }

  private readonly poll = (): void => {
    try {
      this.file.read(() => this.followOthers());
    } catch {
      // The subscriptions read for themselves now, and meet the same trouble where it can be told.
      this.tell();
    }
  };

  private followOthers(): void {
    const head = this.pages.head();
    if (head === this.recent.last) return;
    const page = this.pages.after(this.recent.last, undefined, TAIL_PAGE);
    if (page.end && page.events.length === page.offset - this.recent.last) {
      this.recent.push(page.events);
    } else this.recent.reset(head);
    this.tell();
  }

  private tell(): void {
    for (const watcher of this.watchers) watcher.changed();
  }
}
