import { type LogFile } from './log-file.js';
import { type RecordedEvent, sizeOf } from './recorded-event.js';

/** The bytes that a record takes beside its stream, type, data and metadata. */
const RECORD_OVERHEAD = 76;

/**
 * All events in the order in which they were written, in memory, and written through to a file if there
 * is one. An event has its place at once; readers see it when it is committed, that is durable.
 */
export class Log {
  private readonly events: RecordedEvent[] = [];
  private readonly waiting = new Set<() => void>();
  private committedCount = 0;
  private end = 0;

  constructor(private readonly file?: LogFile) {}

  /** How many events are seen. */
  get committed(): number {
    return this.committedCount;
  }

  /** The index of the next event. */
  get length(): number {
    return this.events.length;
  }

  /** The position of the next event: the offset after the last. */
  get nextPosition(): number {
    return this.end;
  }

  at(index: number): RecordedEvent | undefined {
    return index < this.committedCount ? this.events[index] : undefined;
  }

  /** The first event at or after a position; `committed` if there is none. */
  indexAtOrAfter(position: number): number {
    let low = 0;
    let high = this.committedCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle]!.position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  push(event: RecordedEvent): void {
    this.events.push(event);
    this.end = event.position + RECORD_OVERHEAD + event.stream.length + sizeOf(event);
  }

  /** Resolves when these events and all that were pushed before them are seen. */
  async commit(events: readonly RecordedEvent[]): Promise<void> {
    const end = this.events.length;
    await this.file?.write(events);
    this.commitUpTo(end);
  }

  /** The events that were read from the file need not be written to it. */
  commitStored(): void {
    this.commitUpTo(this.events.length);
  }

  /** Resolves after the next commit, or when `signal` fires. */
  nextCommit(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  async close(): Promise<void> {
    await this.file?.close();
  }

  private commitUpTo(end: number): void {
    this.committedCount = Math.max(this.committedCount, end);
    for (const done of this.waiting) done();
  }
}
