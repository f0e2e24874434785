import { WrongExpectedVersionError } from '@eventstore/db-client';
import { LogUnavailable, RevisionConflict } from '../event-log.errors.js';
import type {
  AppendResult,
  ExpectedRevision,
  NewEvent,
  RecordedEvent,
  Revision,
} from '../event-log.port.js';
import { checkIds, toClient } from './event-form.js';
import type { LogHead } from './log-head.js';
import type { LogTail } from './log-tail.js';
import type { PortEvents } from './event-form.js';
import type { ServerLink, Turn } from './server-link.js';
import type { StreamNames } from './stream-names.js';
import type { StreamPages } from './stream-pages.js';

/** How long the stored event is waited for before it is read, which under load would make it worse. */
const CONFIRM_MS = 1_000;
/** Places that were answered, remembered for calls that run beside each other. */
const REMEMBERED = 10_000;

/** The writing side of the log. */
export class LogAppends {
  private readonly answered = new Set<number>();

  constructor(
    private readonly link: ServerLink,
    private readonly names: StreamNames,
    private readonly recorded: PortEvents,
    private readonly head: LogHead,
    private readonly tail: LogTail,
    private readonly pages: StreamPages,
  ) {}

  /**
   * The cluster answers a re-append like an append, and does not say which it was. Whose writing is
   * stored matters, for a second one has other times and another hash. It is an earlier one when its
   * place was passed before this call was sent, when that place was answered before, or when what
   * stands there is not what was sent. That is seen in the live subscription, which reads it anyway.
   */
  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    checkIds(events);
    this.tail.use();
    const last = events.at(-1);
    if (!last) throw new RangeError('An append needs at least one event.');
    const chars = events.reduce(
      (sum, { data, metadata }) => sum + data.length + metadata.length,
      0,
    );
    let known = 0;
    const beforeSending = () => (known = this.head.known.through);
    const until = this.link.limit();
    const turn = { chars, until, beforeSending };
    const [revision, offset] = await this.send(stream, expected, events, turn);
    this.tail.appended(offset);
    const position = this.recorded.positionOf(offset);
    if (offset <= known || this.answered.has(offset)) return { revision, position, repeated: true };
    this.remember(offset);
    const stored =
      (await this.tail.eventAt(offset, CONFIRM_MS)) ?? (await this.stored(stream, revision, until));
    return { revision, position, repeated: !isSame(stored, last) };
  }

  private async send(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    turn: Turn,
  ): Promise<[revision: Revision, offset: number]> {
    const name = this.names.inCluster(stream);
    try {
      const answer = await this.link.append(name, expected, events.map(toClient), turn);
      return [answer.nextExpectedRevision, Number(answer.position?.commit ?? 0n)];
    } catch (error) {
      if (!(error instanceof WrongExpectedVersionError)) throw error;
      const { actualVersion: actual } = error;
      throw new RevisionConflict(stream, expected, typeof actual === 'bigint' ? actual : undefined);
    }
  }

  private async stored(stream: string, revision: Revision, until: number): Promise<RecordedEvent> {
    let reason = `revision ${revision} of ${stream} cannot be read`;
    try {
      const [event] = await this.pages.read(stream, { from: revision, count: 1, until });
      if (event) return event;
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      reason = error.message;
    }
    throw new LogUnavailable(`appended, but not confirmed: ${reason}`, true);
  }

  private remember(offset: number): void {
    this.answered.add(offset);
    if (this.answered.size <= REMEMBERED) return;
    const [oldest] = this.answered;
    if (oldest !== undefined) this.answered.delete(oldest);
  }
}

function isSame(stored: NewEvent, sent: NewEvent): boolean {
  return stored.id === sent.id && stored.data === sent.data && stored.metadata === sent.metadata;
}
