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
import { PullSubscription, type Watcher } from '../pull-subscription.js';
import { MemoryLogStorage } from './memory-log-storage.js';

/** The event log for tests. Two logs on one storage are two processes on one file. */
export class MemoryEventLog extends EventLog {
  readonly logId: string;
  private readonly own = new Set<Watcher>();
  private closed = false;

  constructor(private readonly storage = new MemoryLogStorage()) {
    super();
    this.logId = storage.logId;
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    this.assertOpen();
    checkAppend(expected, events);
    const stored = this.storage.streams.get(stream) ?? [];
    const actual = stored.at(-1)?.revision;
    if (fits(expected, actual)) return answer(this.storage.append(stream, events), false);
    const first = expected === 'no_stream' ? 0 : Number(expected) + 1;
    const same = events.every(({ id }, index) => stored[first + index]?.id === id);
    const last = stored[first + events.length - 1];
    if (same && last) return answer(last, true);
    throw new RevisionConflict(stream, expected, actual);
  }

  async readStream(
    stream: string,
    { from, direction = 'forwards', limit }: ReadStreamOptions = {},
  ): Promise<readonly RecordedEvent[]> {
    this.assertOpen();
    const count = checkedLimit(limit);
    const stored = this.storage.streams.get(stream) ?? [];
    if (direction === 'forwards') return stored.slice(Number(from ?? 0n)).slice(0, count);
    return stored
      .slice(0, from === undefined ? undefined : Number(from) + 1)
      .reverse()
      .slice(0, count);
  }

  async readAll({ after, filter, limit }: ReadAllOptions = {}): Promise<LogPage> {
    this.assertOpen();
    const offset = after === undefined ? 0 : ownOffset(this.logId, after);
    const page = this.storage.pageAfter(offset, filter, checkedLimit(limit));
    return {
      events: page.events,
      position: this.storage.positionAt(page.offset),
      end: page.end,
    };
  }

  async head(): Promise<Position | undefined> {
    this.assertOpen();
    return this.storage.positionAt(this.storage.head);
  }

  subscribe({ from, filter, batchSize, signal }: SubscribeOptions): AsyncIterable<LogBatch> {
    this.assertOpen();
    const { storage } = this;
    const start =
      from === 'start' ? 0 : from === 'now' ? storage.head : ownOffset(this.logId, from);
    const source = {
      pageAfter: storage.pageAfter.bind(storage),
      positionAt: storage.positionAt.bind(storage),
      watch: (watcher: Watcher) => this.watch(watcher),
    };
    const options = { from: start, filter, limit: checkedLimit(batchSize), signal };
    return { [Symbol.asyncIterator]: () => new PullSubscription(source, options) };
  }

  async readSnapshot(stream: string): Promise<Snapshot | undefined> {
    this.assertOpen();
    return this.storage.snapshots.get(stream);
  }

  async writeSnapshot(stream: string, snapshot: Snapshot): Promise<void> {
    this.assertOpen();
    const stored = this.storage.snapshots.get(stream);
    if (stored?.version === snapshot.version && stored.revision > snapshot.revision) return;
    this.storage.snapshots.set(stream, snapshot);
  }

  async deleteSnapshot(stream: string): Promise<void> {
    this.assertOpen();
    this.storage.snapshots.delete(stream);
  }

  async health(): Promise<void> {
    this.assertOpen();
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const watcher of [...this.own]) watcher.end();
  }

  private watch(watcher: Watcher): () => void {
    this.assertOpen();
    this.own.add(watcher);
    this.storage.watchers.add(watcher);
    return () => {
      this.own.delete(watcher);
      this.storage.watchers.delete(watcher);
    };
  }

  private assertOpen(): void {
    if (this.closed) throw new LogUnavailable('it is closed', false);
  }
}

function fits(expected: ExpectedRevision, actual: bigint | undefined): boolean {
  if (expected === 'any') return true;
  if (expected === 'no_stream') return actual === undefined;
  if (expected === 'stream_exists') return actual !== undefined;
  return expected === actual;
}

function answer({ revision, position }: RecordedEvent, repeated: boolean): AppendResult {
  return { revision, position, repeated };
}
