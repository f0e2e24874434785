import type { Position } from '@taskmanager/protocol';
import { LogUnavailable } from '../event-log.errors.js';
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
import { EventTable } from './event-table.js';
import { LogFile } from './log-file.js';
import { LogTail } from './log-tail.js';
import { RecordedEvents } from './recorded-events.js';
import { SnapshotTable } from './snapshot-table.js';
import type { SqliteEventStoreOptions } from './sqlite-options.js';
import { WriteProbe } from './write-probe.js';

/** The embedded event log: one SQLite file, durable at each commit, usable by several processes. */
export class SqliteEventLog extends EventLog {
  readonly logId: string;
  private readonly recorded: RecordedEvents;
  private readonly pages: EventPages;
  private readonly table: EventTable;
  private readonly tail: LogTail;
  private readonly snapshots: SnapshotTable;
  private readonly probe: WriteProbe;
  private closing: Promise<void> | undefined;

  constructor(private readonly file: LogFile) {
    super();
    const { db, logId, settings } = file;
    file.retain();
    this.logId = logId;
    this.recorded = new RecordedEvents(logId);
    this.pages = new EventPages(db, this.recorded);
    this.tail = new LogTail(file, this.pages, this.recorded);
    this.table = new EventTable(db, settings.cachedHeads, this.recorded, (before, events) =>
      this.tail.appended(before, events),
    );
    this.snapshots = new SnapshotTable(db);
    this.probe = new WriteProbe(db);
    file.groups.observe(this.table);
  }

  /** Creates or opens the file; LogUnavailable says what is wrong with it. */
  static open(options: SqliteEventStoreOptions): SqliteEventLog {
    return new SqliteEventLog(LogFile.open(options));
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    this.assertOpen();
    checkAppend(expected, events);
    const chars = events.reduce((sum, event) => sum + event.data.length + event.metadata.length, 0);
    return this.file.queue.run(() => this.table.append(stream, expected, events), chars);
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
    await this.file.queue.run(() => this.snapshots.write(stream, snapshot), snapshot.state.length);
  }

  async deleteSnapshot(stream: string): Promise<void> {
    this.assertOpen();
    await this.file.queue.run(() => this.snapshots.delete(stream));
  }

  async health(): Promise<void> {
    this.assertOpen();
    await this.file.queue.run(() => this.probe.run());
  }

  close(): Promise<void> {
    if (!this.closing) {
      this.tail.close();
      this.closing = this.file.release();
    }
    return this.closing;
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
