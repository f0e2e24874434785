import type { Position } from '@taskmanager/protocol';
import { LogUnavailable, RevisionConflict } from '../event-log.errors.js';
import {
  EventLog,
  type AppendResult,
  type ExpectedRevision,
  type LogBatch,
  type LogPage,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type Snapshot,
  type SubscribeOptions,
} from '../event-log.port.js';
import { checkAppend, checkedLimit, ownOffset } from '../log-arguments.js';
import { PullSubscription, type PullOptions } from '../pull-subscription.js';
import { EventPages } from './event-pages.js';
import type { AppendOutcome, EventTexts } from './event-table.js';
import { LogFile } from './log-file.js';
import { LogTail } from './log-tail.js';
import { RecordedEvents, revisionOf } from './recorded-events.js';
import { SnapshotTable } from './snapshot-table.js';
import type { SqliteEventStoreOptions } from './sqlite-options.js';
import type { WriteAnswer } from './log-writer.js';
import type { ArgumentsOf, WriteOperation } from './write-operations.js';

/** The embedded event log: one SQLite file, durable at each commit, usable by several processes. */
export class SqliteEventLog extends EventLog {
  readonly logId: string;
  private readonly recorded: RecordedEvents;
  private readonly pages: EventPages;
  private readonly tail: LogTail;
  private readonly snapshots: SnapshotTable;
  private closing: Promise<void> | undefined;

  constructor(private readonly file: LogFile) {
    super();
    const { db, logId } = file;
    file.retain();
    this.logId = logId;
    this.recorded = new RecordedEvents(logId);
    this.pages = new EventPages(db, this.recorded);
    this.tail = new LogTail(file, this.pages, this.recorded);
    this.snapshots = new SnapshotTable(db);
    file.queue.observe((batch, answers) => this.tellOf(batch, answers));
  }

  /** For a program that needs no processor store beside it; see {@link LogFile.open}. */
  static open(options: SqliteEventStoreOptions, writerThread?: URL): SqliteEventLog {
    return new SqliteEventLog(LogFile.open(options, writerThread));
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    this.assertOpen();
    checkAppend(expected, events);
    const chars = events.reduce((sum, event) => sum + event.data.length + event.metadata.length, 0);
    const texts = events.map(({ id, type, data, metadata }): EventTexts => [
      id,
      type,
      data,
      metadata,
    ]);
    const outcome = await this.file.queue.run('append', [stream, expected, texts], chars);
    if ('conflict' in outcome) {
      const actual = outcome.conflict < 0 ? undefined : revisionOf(outcome.conflict);
      throw new RevisionConflict(stream, expected, actual);
    }
    const { revision, position, repeated } = outcome;
    const last = this.recorded.positionOf(position);
    const answer = { revision: revisionOf(revision), position: last, repeated };
    if (repeated || events.length === 1) return answer;
    // One append's events stand next to each other.
    const first = position - events.length + 1;
    const positions = events.map((_, index) => this.recorded.positionOf(first + index));
    return { ...answer, positions };
  }

  async readStream(
    stream: string,
    { from, direction = 'forwards', limit }: ReadStreamOptions = {},
  ): Promise<readonly RecordedEvent[]> {
    this.assertOpen();
    const count = checkedLimit(limit);
    const first = from === undefined ? undefined : Number(from);
    return this.file.readInTurn(
      () => this.pages.ofStream(stream, direction, first, count),
      (events) => 1 + events.length,
    );
  }

  async readAll({ after, filter, limit }: ReadAllOptions = {}): Promise<LogPage> {
    this.assertOpen();
    const offset = after === undefined ? 0 : ownOffset(this.logId, after);
    const page = await this.tail.pageFromFile(offset, filter, checkedLimit(limit));
    return {
      events: page.events,
      position: this.recorded.positionAt(page.offset),
      end: page.end,
    };
  }

  async head(): Promise<Position | undefined> {
    this.assertOpen();
    return this.recorded.positionAt(this.file.read(() => this.pages.head()));
  }

  subscribe({ from, filter, batchSize, signal }: SubscribeOptions): AsyncIterable<LogBatch> {
    this.assertOpen();
    const options: PullOptions = {
      from: this.offsetOf(from),
      filter,
      limit: checkedLimit(batchSize),
      signal,
    };
    return { [Symbol.asyncIterator]: () => new PullSubscription(this.tail, options) };
  }

  async readSnapshot(stream: string): Promise<Snapshot | undefined> {
    this.assertOpen();
    return this.file.read(() => this.snapshots.read(stream));
  }

  async writeSnapshot(stream: string, snapshot: Snapshot): Promise<void> {
    this.assertOpen();
    await this.file.queue.run('writeSnapshot', [stream, snapshot], snapshot.state.length);
  }

  async deleteSnapshot(stream: string): Promise<void> {
    this.assertOpen();
    await this.file.queue.run('deleteSnapshot', [stream]);
  }

  async health(): Promise<void> {
    this.assertOpen();
    await this.file.queue.run('probe', []);
  }

  close(): Promise<void> {
    if (!this.closing) {
      this.tail.close();
      this.closing = this.file.release();
    }
    return this.closing;
  }

  /** What a batch appended, to those who listen: all of it at once, for they work by the batch too. */
  private tellOf(batch: readonly WriteOperation[], answers: readonly WriteAnswer[]): void {
    const appended: RecordedEvent[] = [];
    let last = 0;
    batch.forEach(({ name, args }, index) => {
      const answer = answers[index];
      if (name !== 'append' || !answer || answer.failure) return;
      const outcome = answer.value as AppendOutcome;
      if ('conflict' in outcome || outcome.repeated) return;
      const [stream, , texts] = args as ArgumentsOf<'append'>;
      last = outcome.position;
      texts.forEach(([id, type, data, metadata], n) => {
        const behind = texts.length - 1 - n;
        const revision = revisionOf(outcome.revision - behind);
        const position = this.recorded.positionOf(last - behind);
        appended.push({ id, type, data, metadata, stream, revision, position });
      });
    });
    if (appended.length > 0) this.tail.appended(last - appended.length, appended);
  }

  private offsetOf(from: SubscribeOptions['from']): number {
    if (from === 'start') return 0;
    if (from === 'now') return this.file.read(() => this.pages.head());
    return ownOffset(this.logId, from);
  }

  private assertOpen(): void {
    if (this.closing) throw new LogUnavailable('it is closed', false);
  }
}
