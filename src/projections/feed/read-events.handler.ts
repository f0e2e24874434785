import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import {
  type FeedEvent,
  type FeedPage,
  isPosition,
  logIdOf,
  LIMITS,
  type Position,
} from '@taskmanager/protocol';
import { Clock, queryContextOf, Refusal, type Waiting } from '../../context/index.js';
import { EventLog, ForeignPosition } from '../../event-store/index.js';
import { TASK_STREAM_PREFIX, toFeedEvent } from '../../events/index.js';
import { type SizedEvent, sized } from './feed-event.js';
import { FeedFilter } from './feed-filter.js';
import { FeedTail } from './feed-tail.js';
import { ReadEvents } from './read-events.query.js';

/** Events read from the log at a time. */
const PAGE = 1_000;

/** One reading under way: what was found, and how far it has looked. */
class Reading {
  readonly events: FeedEvent[] = [];
  looked = 0;
  caughtUp = false;
  private bytes = 0;

  constructor(
    readonly filter: FeedFilter,
    private readonly limit: number,
    public position: Position | undefined,
  ) {}

  get isDone(): boolean {
    return this.events.length >= this.limit || this.looked >= LIMITS.feedScan || this.caughtUp;
  }

  /** Takes what matches and fits; false when the answer is full and the position stays before it. */
  take({ stored, bytes }: SizedEvent): boolean {
    if (this.filter.matches(stored)) {
      const isFull =
        this.events.length >= this.limit ||
        (this.events.length > 0 && this.bytes + bytes > LIMITS.answerBytes);
      if (isFull) return false;
      this.events.push(toFeedEvent(stored));
      this.bytes += bytes;
    }
    this.position = stored.position;
    return true;
  }

  get page(): FeedPage {
    const { events, position, caughtUp } = this;
    return { events, ...(position !== undefined && { position }), caughtUp };
  }
}

/**
 * Pages through the log and, at its end, waits. A reader goes on from the position it was given, so
 * nothing is lost or repeated whatever breaks in between; it sets the pace by asking.
 */
@QueryHandler(ReadEvents)
export class ReadEventsHandler implements IQueryHandler<ReadEvents, FeedPage> {
  constructor(
    private readonly log: EventLog,
    private readonly tail: FeedTail,
    private readonly clock: Clock,
  ) {}

  async execute(query: ReadEvents): Promise<FeedPage> {
    const context = queryContextOf(query);
    const filter = new FeedFilter(query, context.apps);
    const from = await this.positionOf(query.from ?? 'start');
    const reading = new Reading(filter, query.limit ?? LIMITS.eventPageDefault, from);
    await this.read(reading, query.waitMs ?? 0, context);
    return reading.page;
  }

  private async read(
    reading: Reading,
    waitMs: number,
    { gone, whileWaiting }: Waiting,
  ): Promise<void> {
    const until = this.clock.now() + waitMs;
    for (;;) {
      while (!reading.isDone && (await this.step(reading)));
      const left = until - this.clock.now();
      if (reading.events.length > 0 || !reading.caughtUp || left <= 0) return;
      const wait = () => this.tail.wait(reading.position, reading.filter, left, gone);
      const outcome = await (whileWaiting ? whileWaiting(wait) : wait());
      if (outcome !== 'event') {
        const { head } = this.tail;
        // It was shown everything up to there while it waited.
        if (outcome === 'late') reading.position = laterOf(reading.position, head);
        return;
      }
      reading.caughtUp = false;
    }
  }

  /** Looks at the next events, in memory where they are there; false when the answer is full. */
  private async step(reading: Reading): Promise<boolean> {
    const head = await this.log.head();
    const recent = this.tail.isAt(head) ? this.tail.after(reading.position) : undefined;
    if (recent) return this.takeRecent(reading, recent);
    const { position, filter, looked } = reading;
    const page = await this.log.readAll({
      ...(position !== undefined && { after: position }),
      filter: { streamPrefix: TASK_STREAM_PREFIX, ...(filter.types && { types: filter.types }) },
      limit: Math.min(PAGE, LIMITS.feedScan - looked),
    });
    reading.looked += Math.min(PAGE, LIMITS.feedScan - looked);
    for (const record of page.events) if (!reading.take(sized(record))) return false;
    reading.position = page.position;
    reading.caughtUp = page.end;
    return true;
  }

  private takeRecent(reading: Reading, recent: readonly SizedEvent[]): boolean {
    const { head } = this.tail;
    for (const event of recent) {
      if (reading.looked >= LIMITS.feedScan) return true;
      reading.looked += 1;
      if (!reading.take(event)) return false;
    }
    reading.position = laterOf(reading.position, head);
    reading.caughtUp = true;
    return true;
  }

  private async positionOf(from: string): Promise<Position | undefined> {
    if (from === 'start') return undefined;
    if (from === 'now') return this.log.head();
    if (isPosition(from)) {
      if (logIdOf(from) !== this.log.logId)
        throw foreign(new ForeignPosition(from, this.log.logId));
      if (!this.tail.isAt(from)) await this.refuseFuture(from);
      return from;
    }
    throw new Refusal(
      'VALIDATION_FAILED',
      `from must be a position that the feed gave out, 'start' or 'now', not '${from}'.`,
      { field: 'from' },
    );
  }

  /** Nothing would come until the log has outgrown the position, and what came then would be missing. */
  private async refuseFuture(from: Position): Promise<void> {
    const head = await this.log.head();
    if (head !== undefined && from <= head) return;
    throw new Refusal(
      'VALIDATION_FAILED',
      `from ${from} lies beyond the log's end (${head ?? 'it is empty'}): it was given out before an older log was put back. Start again from 'start' or 'now'.`,
      { field: 'from' },
    );
  }
}

function foreign(error: ForeignPosition): Refusal {
  return new Refusal('VALIDATION_FAILED', error.message, { field: 'from' });
}

function laterOf(a: Position | undefined, b: Position | undefined): Position | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}
