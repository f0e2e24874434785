import type { Database, Statement } from '@taskmanager/sqlite-driver';
import { LRUCache } from 'lru-cache';
import type { ExpectedRevision } from '../event-log.port.js';

/** An event's texts in the order of the table's columns. */
export type EventTexts = readonly [id: string, type: string, data: string, metadata: string];

/** Numbers of the last event appended; or the revision that the stream is at, -1 for no stream. */
export type AppendOutcome =
  | { readonly revision: number; readonly position: number; readonly repeated: boolean }
  | { readonly conflict: number };

/** A stream's number in the file and its last revision. */
interface Head {
  readonly id: number;
  revision: number;
}

/**
 * The writing side of the event table; all of it runs inside a transaction of the log writer.
 *
 * Heads are remembered as long as nobody else has appended: the first append of each transaction
 * compares the log's last position, under the write lock, with the one this process left.
 */
export class EventTable {
  private readonly heads: LRUCache<string, Head>;
  private last = -1;
  private compared = false;
  private readonly findStream: Statement<[string], number>;
  private readonly addStream: Statement<[string]>;
  private readonly findHead: Statement<[number], number>;
  private readonly findPosition: Statement<[], number>;
  private readonly findIds: Statement<[number, number, number], [string, number]>;
  private readonly insert: Statement<[number, number, number, string, string, string, string]>;

  constructor(db: Database, cachedHeads: number) {
    this.heads = new LRUCache({ max: cachedHeads });
    this.findStream = db.prepare<[string], number>('SELECT id FROM stream WHERE name = ?').pluck();
    this.addStream = db.prepare('INSERT INTO stream (name) VALUES (?)');
    this.findHead = db
      .prepare<[number], number>(
        'SELECT coalesce(max(revision), -1) FROM event WHERE stream_id = ?',
      )
      .pluck();
    this.findPosition = db
      .prepare<[], number>('SELECT coalesce(max(position), 0) FROM event')
      .pluck();
    this.findIds = db
      .prepare<[number, number, number], [string, number]>(
        'SELECT id, position FROM event WHERE stream_id = ? AND revision > ? ORDER BY revision LIMIT ?',
      )
      .raw();
    this.insert = db.prepare(
      `INSERT INTO event (position, stream_id, revision, id, type, data, metadata)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  append(stream: string, expected: ExpectedRevision, events: readonly EventTexts[]): AppendOutcome {
    this.forgetWhenOthersWrote();
    const head = this.headOf(stream);
    const actual = head?.revision ?? -1;
    if (!fits(expected, actual)) {
      return this.repeated(head, expected, events) ?? { conflict: actual };
    }
    return this.write(head ?? this.newStream(stream), events);
  }

  began(): void {
    this.compared = false;
  }

  rolledBack(): void {
    // What is remembered may not have happened: unlike any position, so that it is forgotten first.
    this.last = -1;
  }

  private write(head: Head, events: readonly EventTexts[]): AppendOutcome {
    for (const [id, type, data, metadata] of events) {
      this.last += 1;
      head.revision += 1;
      this.insert.run(this.last, head.id, head.revision, id, type, data, metadata);
    }
    return { revision: head.revision, position: this.last, repeated: false };
  }

  /** The first answer once more, when exactly these events stand where they were expected to go. */
  private repeated(
    head: Head | undefined,
    expected: ExpectedRevision,
    events: readonly EventTexts[],
  ): AppendOutcome | undefined {
    const before = expected === 'no_stream' ? -1 : Number(expected);
    if (!head || Number.isNaN(before) || head.revision < before + events.length) return undefined;
    const stored = this.findIds.all(head.id, before, events.length);
    const last = stored.at(-1);
    if (!last || events.some(([id], index) => stored[index]?.[0] !== id)) return undefined;
    return { revision: before + events.length, position: last[1], repeated: true };
  }

  private headOf(stream: string): Head | undefined {
    const known = this.heads.get(stream);
    if (known) return known;
    const id = this.findStream.get(stream);
    if (id === undefined) return undefined;
    const head = { id, revision: this.findHead.get(id) ?? -1 };
    this.heads.set(stream, head);
    return head;
  }

  private newStream(stream: string): Head {
    const id = Number(this.addStream.run(stream).lastInsertRowid);
    const head = { id, revision: -1 };
    this.heads.set(stream, head);
    return head;
  }

  private forgetWhenOthersWrote(): void {
    if (this.compared) return;
    this.compared = true;
    const last = this.findPosition.get() ?? 0;
    if (last !== this.last) this.heads.clear();
    this.last = last;
  }
}

function fits(expected: ExpectedRevision, actual: number): boolean {
  switch (expected) {
    case 'any':
      return true;
    case 'no_stream':
      return actual < 0;
    case 'stream_exists':
      return actual >= 0;
    default:
      return BigInt(actual) === expected;
  }
}
