import { checkAppend } from './append-check.js';
import { type ExpectedRevision } from './expected-revision.js';
import { type LogFile } from './log-file.js';
import { Log } from './log.js';
import { RecentIds } from './recent-ids.js';
import { type ProposedEvent, type RecordedEvent, TOMBSTONE } from './recorded-event.js';
import { Stream } from './stream.js';
import {
  isMetastream,
  isSoftDeleted,
  metastreamOf,
  originalOf,
  parseMetadata,
  withTruncateBefore,
} from './stream-metadata.js';
import { eventsOfFreshServer, systemEvent } from './system-events.js';

/** How a write ended; `current` and `revision` are -1n where the stream has no event. */
export type WriteResult =
  | { readonly outcome: 'written'; readonly revision: bigint; readonly position: number }
  | { readonly outcome: 'wrong-expected-revision'; readonly current: bigint }
  | { readonly outcome: 'stream-deleted' };

/** The streams of a log, and the rules by which they are written. */
export class EventStore {
  readonly log: Log;
  private readonly streams = new Map<string, Stream>();
  private readonly recentIds = new RecentIds();

  private constructor(file?: LogFile) {
    this.log = new Log(file);
  }

  /** `stored` is what stood in the file; a log without any gets the events of a fresh server. */
  static async open(file?: LogFile, stored: readonly RecordedEvent[] = []): Promise<EventStore> {
    const store = new EventStore(file);
    for (const event of stored) store.take(event);
    store.log.commitStored();
    if (stored.length === 0) {
      for (const [name, event] of eventsOfFreshServer()) await store.append(name, 'any', [event]);
    }
    return store;
  }

  stream(name: string): Stream | undefined {
    return this.streams.get(name);
  }

  /** Server: the metadata stream of a tombstoned stream is gone with it (IndexReader). */
  isTombstoned(name: string): boolean {
    const original = isMetastream(name) ? originalOf(name) : name;
    return this.streams.get(original)?.tombstoned ?? false;
  }

  /** Appends all of `events` or none; resolves when they are durable. So do the others. */
  async append(
    name: string,
    expected: ExpectedRevision,
    events: readonly ProposedEvent[],
  ): Promise<WriteResult> {
    const check = checkAppend(this, this.recentIds, name, expected, events);
    switch (check.decision) {
      case 'deleted':
        return { outcome: 'stream-deleted' };
      case 'wrong-expected-revision':
        return { outcome: 'wrong-expected-revision', current: check.current };
      case 'repeated':
        // The original may still be on its way to the disk.
        if (check.last.index >= this.log.committed) await this.log.commit([]);
        return written(check.last);
      case 'ok': {
        const stream = this.streamToWrite(name);
        if (events.length === 0) {
          const revision = BigInt(stream.lastRevision);
          return { outcome: 'written', revision, position: this.log.nextPosition };
        }
        // Server: the first append after a deletion hides by $tb what was before it (SoftUndeleteStream).
        const revived = isSoftDeleted(stream.metadata)
          ? [this.recordTruncateBefore(name, BigInt(stream.lastRevision + 1))]
          : [];
        return this.commit([...revived, ...events.map((event) => this.record(name, event))]);
      }
    }
  }

  /** Server: a deletion is a metadata event with $tb at the highest revision. */
  async delete(name: string, expected: ExpectedRevision): Promise<WriteResult> {
    const check = checkAppend(this, this.recentIds, name, expected, []);
    const last = this.streams.get(name)?.lastRevision ?? -1;
    if (check.decision === 'deleted') return { outcome: 'stream-deleted' };
    // Server: what never was cannot be deleted, whatever was expected.
    if (check.decision === 'wrong-expected-revision' || last < 0) {
      return { outcome: 'wrong-expected-revision', current: BigInt(last) };
    }
    return this.commit([this.recordTruncateBefore(name, TOMBSTONE)]);
  }

  /** Server: a tombstone is an event of the stream itself, after which its name is of no use any more. */
  async tombstone(name: string, expected: ExpectedRevision): Promise<WriteResult> {
    const check = checkAppend(this, this.recentIds, name, expected, []);
    if (check.decision === 'deleted') return { outcome: 'stream-deleted' };
    if (check.decision === 'wrong-expected-revision') {
      return { outcome: 'wrong-expected-revision', current: check.current };
    }
    const event = systemEvent('$streamDeleted', Buffer.alloc(0));
    return this.commit([this.record(name, event, TOMBSTONE)]);
  }

  close(): Promise<void> {
    return this.log.close();
  }

  private async commit(events: readonly RecordedEvent[]): Promise<WriteResult> {
    await this.log.commit(events);
    return written(events[events.length - 1]!);
  }

  private recordTruncateBefore(name: string, revision: bigint): RecordedEvent {
    const former = this.streams.get(metastreamOf(name))?.events.at(-1);
    const data = withTruncateBefore(former?.data, revision);
    return this.record(metastreamOf(name), systemEvent('$metadata', data));
  }

  private record(name: string, proposed: ProposedEvent, revision?: bigint): RecordedEvent {
    const event: RecordedEvent = {
      ...proposed,
      stream: name,
      revision: revision ?? BigInt(this.streamToWrite(name).lastRevision + 1),
      position: this.log.nextPosition,
      index: this.log.length,
      created: Date.now(),
    };
    this.take(event);
    return event;
  }

  /** Puts an event that has its revision and position where it belongs. */
  private take(event: RecordedEvent): void {
    this.log.push(event);
    this.recentIds.add(event);
    const stream = this.streamToWrite(event.stream);
    if (event.revision === TOMBSTONE) stream.tombstoned = true;
    else stream.events.push(event);
    if (isMetastream(event.stream)) {
      this.streamToWrite(originalOf(event.stream)).metadata = parseMetadata(event.data);
    }
  }

  private streamToWrite(name: string): Stream {
    let stream = this.streams.get(name);
    if (!stream) this.streams.set(name, (stream = new Stream(name)));
    return stream;
  }
}

const written = ({ revision, position }: RecordedEvent): WriteResult => ({
  outcome: 'written',
  revision,
  position,
});
