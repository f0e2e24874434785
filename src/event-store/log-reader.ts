import type { Position } from '@taskmanager/protocol';
import type { EventLog, RecordedEvent } from './event-log.port.js';
import { patiently } from './patience.js';

export interface ReadRange {
  /** Strictly after this position; from the first event when left out. */
  readonly after?: Position | undefined;
  /** Up to and with this position; to the end, as it is when it is reached, when left out. */
  readonly until?: Position | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Events read at a time; 1,000 when left out. */
  readonly limit?: number | undefined;
}

const NO_EVENTS: readonly RecordedEvent[] = [];

/** The events of a log in its order, read page by page, patiently while the log is away. */
export class LogReader {
  private page = NO_EVENTS;
  private index = 0;
  private ended = false;
  private position: Position | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly range: ReadRange = {},
  ) {
    this.position = range.after;
  }

  /** The next event of the page at hand; undefined when it is used up. */
  take(): RecordedEvent | undefined {
    const event = this.page[this.index];
    if (event) this.index += 1;
    return event;
  }

  /** The next event; undefined at the end. */
  async next(): Promise<RecordedEvent | undefined> {
    for (;;) {
      const event = this.take();
      if (event || this.ended) return event;
      await this.turn();
    }
  }

  /** What is left of the page at hand, or the next page; empty only at the end. */
  async rest(): Promise<readonly RecordedEvent[]> {
    while (this.index === this.page.length && !this.ended) await this.turn();
    const events = this.page.slice(this.index);
    this.index = this.page.length;
    return events;
  }

  private async turn(): Promise<void> {
    const { until, signal, limit } = this.range;
    const after = this.position;
    const read = () => this.log.readAll({ after, limit });
    const { events, position, end } = await patiently(read, signal);
    const past = until === undefined ? -1 : events.findIndex((event) => event.position > until);
    this.page = past === -1 ? events : events.slice(0, past);
    this.index = 0;
    this.position = position;
    this.ended =
      end || past !== -1 || (until !== undefined && position !== undefined && position >= until);
  }
}
