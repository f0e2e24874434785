import { LogOverloaded, LogUnavailable } from '../event-log.errors.js';
import type { GroupCommit, Refused, Write } from './group-commit.js';
import { isBusy } from './sqlite-failure.js';
import type { SqliteSettings } from './sqlite-options.js';

const BUSY_RETRY_MS = 5;

interface QueuedWrite extends Write {
  readonly chars: number;
  readonly since: number;
}

/**
 * Writes that arrive in one turn of the event loop wait here for one flush, which commits them
 * together. The queue is bounded in number and size, and so is each flush.
 */
export class WriteQueue {
  private waiting: QueuedWrite[] = [];
  private waitingChars = 0;
  private scheduled = false;
  private closed = false;
  private readonly drained: (() => void)[] = [];

  constructor(
    private readonly groups: GroupCommit,
    private readonly settings: SqliteSettings,
  ) {}

  /** Resolves with the work's answer once it is durable; `chars` is the text it writes. */
  run<T>(work: () => T | Refused, chars = 0): Promise<T> {
    if (this.closed) return Promise.reject(new LogUnavailable('it is closed', false));
    const { maxQueuedWrites, maxQueuedChars } = this.settings;
    if (this.waiting.length >= maxQueuedWrites || this.waitingChars > maxQueuedChars) {
      return Promise.reject(new LogOverloaded(this.waiting.length));
    }
    return new Promise<T>((resolve, reject) => {
      const settle = resolve as (answer: unknown) => void;
      this.waiting.push({ work, chars, since: performance.now(), resolve: settle, reject });
      this.waitingChars += chars;
      this.schedule();
    });
  }

  /** Resolves when everything queued so far has been answered. */
  async drain(): Promise<void> {
    if (this.waiting.length > 0) await new Promise<void>((resolve) => this.drained.push(resolve));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.drain();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    try {
      this.groups.begin();
    } catch (error) {
      this.postpone(error);
      return;
    }
    this.groups.run(this.take(this.settings.maxFlushWrites));
    if (this.waiting.length > 0) this.schedule();
    else this.tellDrained();
  };

  /**
   * Another process writes: waits outside of SQLite, so that reads and the event loop go on. What has
   * waited too long is refused, and everything is when the file cannot be written at all.
   */
  private postpone(error: unknown): void {
    const latest = isBusy(error) ? performance.now() - this.settings.busyLimitMs : Infinity;
    const late = this.waiting.findIndex(({ since }) => since > latest);
    const count = late === -1 ? this.waiting.length : late;
    for (const write of this.waiting.splice(0, count)) {
      this.waitingChars -= write.chars;
      write.reject(this.groups.failure(error));
    }
    if (this.waiting.length === 0) {
      this.tellDrained();
      return;
    }
    this.scheduled = true;
    setTimeout(this.flush, BUSY_RETRY_MS * (1 + Math.random()));
  }

  private take(limit: number): QueuedWrite[] {
    let count = 0;
    let chars = 0;
    for (const write of this.waiting) {
      if (count === limit || (count > 0 && chars + write.chars > this.settings.maxFlushChars))
        break;
      count += 1;
      chars += write.chars;
    }
    this.waitingChars -= chars;
    return this.waiting.splice(0, count);
  }

  private tellDrained(): void {
    for (const resolve of this.drained.splice(0)) resolve();
  }
}
