/** Writes rows and the checkpoint of one audit file, in one transaction. */
import type { Database, Statement } from '@taskmanager/sqlite-driver';
import type { AuditRow } from './audit-row.js';
import { AuditNames } from './audit-names.js';
import { packed } from './audit-schema.js';
import { correlationNumber } from './correlation-number.js';

/** Events that one summary of times covers. */
const BLOCK = 4_096;

interface Block {
  readonly id: number;
  readonly first: number;
  last: number;
  min_at: number;
  max_at: number;
  events: number;
}

type Value = number | string | Buffer | null;

export class AuditWriter {
  private readonly names: AuditNames;
  private readonly move: Statement<[string | null, string | null]>;
  private readonly insertEvent: Statement<Value[]>;
  private readonly insertDetail: Statement<Value[]>;
  private readonly insertAbout: Statement<[number, string]>;
  private readonly touchStream: Statement<[string, number, number, number], number>;
  private readonly lastBlock: Statement<[], Block>;
  private readonly putBlock: Statement<[Block]>;
  private readonly lastOffset: Statement<[], number>;

  constructor(private readonly db: Database) {
    this.names = new AuditNames(db);
    this.move = db.prepare('UPDATE meta SET position = ? WHERE position IS ?');
    this.insertEvent = db.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.insertDetail = db.prepare(
      'INSERT INTO detail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.insertAbout = db.prepare('INSERT INTO about VALUES (?, ?)');
    this.touchStream = db
      .prepare<[string, number, number, number], number>(
        `INSERT INTO stream (name, revision, last, events) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE
         SET revision = excluded.revision, last = excluded.last, events = events + excluded.events
         RETURNING id`,
      )
      .pluck();
    this.lastBlock = db.prepare('SELECT * FROM block ORDER BY id DESC LIMIT 1');
    this.putBlock = db.prepare(
      `INSERT INTO block VALUES (@id, @first, @last, @min_at, @max_at, @events)
       ON CONFLICT (id) DO UPDATE SET
       last = excluded.last, min_at = excluded.min_at, max_at = excluded.max_at, events = excluded.events`,
    );
    this.lastOffset = db.prepare<[], number>('SELECT max(offset) FROM event').pluck();
  }

  /**
   * Compare-and-set: false, and nothing is written, when the checkpoint is not `expected`. Rows that are
   * there already, for the events came again, are passed over.
   */
  write(expected: string | null, rows: readonly AuditRow[], position: string | null): boolean {
    try {
      return this.db
        .transaction(() => {
          if (this.move.run(position, expected).changes === 0) return false;
          this.append(rows);
          return true;
        })
        .immediate();
    } catch (error) {
      this.names.forget();
      throw error;
    }
  }

  private append(given: readonly AuditRow[]): void {
    const rows = beyond(this.lastOffset.get() ?? -1, given);
    const streams = this.streamsOf(rows);
    let block = this.lastBlock.get();
    for (const row of rows) {
      if (!block || block.events >= BLOCK) {
        if (block) this.putBlock.run(block);
        const { offset, at } = row;
        const id = (block?.id ?? 0) + 1;
        block = { id, first: offset, last: offset, min_at: at, max_at: at, events: 0 };
      }
      this.insert(row, streams.get(row.stream) ?? 0, block.id);
      block.last = row.offset;
      block.min_at = Math.min(block.min_at, row.at);
      block.max_at = Math.max(block.max_at, row.at);
      block.events += 1;
    }
    if (block) this.putBlock.run(block);
    this.names.flush();
  }

  /** The numbers of their streams. Most have several rows in a batch, and are written once. */
  private streamsOf(rows: readonly AuditRow[]): ReadonlyMap<string, number> {
    const touched = new Map<string, { last: AuditRow; events: number }>();
    for (const row of rows) {
      const events = (touched.get(row.stream)?.events ?? 0) + 1;
      touched.set(row.stream, { last: row, events });
    }
    const numbers = new Map<string, number>();
    for (const [stream, { last, events }] of touched) {
      const { revision, offset } = last;
      numbers.set(stream, this.touchStream.get(stream, revision, offset, events) ?? 0);
    }
    return numbers;
  }

  private insert(row: AuditRow, stream: number, block: number): void {
    const { names } = this;
    const { offset, at, commandId, correlationId } = row;
    const command = packed(commandId);
    this.insertEvent.run(
      offset,
      at,
      stream,
      names.use('type', row.type),
      names.use('actor', row.actor),
      names.use('app', row.app),
      names.use('taskType', row.taskType),
      names.use('worker', row.worker),
      correlationId === null ? null : correlationNumber(correlationId, block),
    );
    if (row.about !== null) this.insertAbout.run(offset, row.about);
    this.insertDetail.run(
      offset,
      packed(row.eventId),
      row.revision,
      names.use('whole', row.whole),
      row.status,
      row.attempt,
      row.transport,
      command,
      correlationId === commandId ? command : packed(correlationId),
      packed(row.causationId),
      row.refused,
      row.line,
    );
  }
}

/** Each row once, in the order of the log. */
function beyond(offset: number, rows: readonly AuditRow[]): AuditRow[] {
  let last = offset;
  return rows.filter((row) => {
    if (row.offset <= last) return false;
    last = row.offset;
    return true;
  });
}
