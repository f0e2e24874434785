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
import { PullSubscription, type Watcher } from '../pull-subscription.js';
import type { EventStoreDbOptions, Tell } from './eventstoredb-options.js';
import { LogConnection } from './log-connection.js';
import { Snapshots } from './snapshots.js';
import { TailReader } from './tail-reader.js';
import { UnderWay } from './under-way.js';
import { WriteProbe } from './write-probe.js';

/** The event log for more than one machine: streams with a prefix in an EventStoreDB cluster. */
export class EventStoreDbEventLog extends EventLog {
  readonly logId: string;
  private readonly snapshots: Snapshots;
  private readonly probe: WriteProbe;
  private readonly subscriptions = new Set<Watcher>();
  private readonly underWay = new UnderWay();
  /** Heads that subscriptions from now have asked for: appends wait until they are known. */
  private readonly heads = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;

  /** @param connection is this log's from now on: closing the log gives it back */
  constructor(private readonly connection: LogConnection) {
    super();
    const { link, names, logId } = connection;
    this.logId = logId;
    this.snapshots = new Snapshots(link, names);
    this.probe = new WriteProbe(link, names.health);
  }

  /** See {@link LogConnection.open}. */
  static async open(options: EventStoreDbOptions, tell?: Tell): Promise<EventStoreDbEventLog> {
    return new EventStoreDbEventLog(await LogConnection.open(options, tell));
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    this.assertOpen();
    checkAppend(expected, events);
    return this.underWay.track(async () => {
      if (this.heads.size > 0) await Promise.allSettled(this.heads);
      return this.connection.appends.append(stream, expected, events);
    });
  }

  async readStream(
    stream: string,
    { from, direction, limit }: ReadStreamOptions = {},
  ): Promise<readonly RecordedEvent[]> {
    this.assertOpen();
    const range = { from, ...(direction && { direction }), count: checkedLimit(limit) };
    return this.connection.streams.read(stream, range);
  }

  async readAll({ after, filter, limit }: ReadAllOptions = {}): Promise<LogPage> {
    this.assertOpen();
    const offset = after === undefined ? 0 : ownOffset(this.logId, after);
    const { pages, recorded } = this.connection;
    const page = await pages.after(offset, filter, checkedLimit(limit));
    return { events: page.events, position: recorded.positionAt(page.offset), end: page.end };
  }

  async head(): Promise<Position | undefined> {
    this.assertOpen();
    const { own } = await this.connection.head.read();
    return this.connection.recorded.positionAt(own);
  }

  subscribe({ from, filter, batchSize, signal }: SubscribeOptions): AsyncIterable<LogBatch> {
    this.assertOpen();
    const options = { from: 0, filter, limit: checkedLimit(batchSize), signal };
    const start = from === 'now' ? this.now() : from === 'start' ? 0 : ownOffset(this.logId, from);
    const opened = (watcher: Watcher) => this.opened(watcher);
    return {
      [Symbol.asyncIterator]: () =>
        new PullSubscription(new TailReader(this.connection, start, opened), options),
    };
  }

  async readSnapshot(stream: string): Promise<Snapshot | undefined> {
    this.assertOpen();
    return this.snapshots.read(stream);
  }

  async writeSnapshot(stream: string, snapshot: Snapshot): Promise<void> {
    this.assertOpen();
    await this.underWay.track(() => this.snapshots.write(stream, snapshot));
  }

  async deleteSnapshot(stream: string): Promise<void> {
    this.assertOpen();
    await this.underWay.track(() => this.snapshots.delete(stream));
  }

  async health(): Promise<void> {
    this.assertOpen();
    await this.underWay.track(() => this.probe.run());
  }

  /** Appends first: the client would reject those under way although the server writes them. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    for (const watcher of [...this.subscriptions]) watcher.end();
    await this.underWay.settled();
    await this.connection.close();
  }

  private now(): Promise<number> {
    const head = this.connection.head.read().then(({ own }) => own);
    this.heads.add(head);
    head.catch(() => undefined).finally(() => this.heads.delete(head));
    return head;
  }

  private opened(watcher: Watcher): () => void {
    this.assertOpen();
    this.subscriptions.add(watcher);
    return () => void this.subscriptions.delete(watcher);
  }

  private assertOpen(): void {
    if (this.closing) throw new LogUnavailable('it is closed', false);
  }
}
