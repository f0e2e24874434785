import type { Database, Statement } from '@taskmanager/sqlite-driver';
import type { LogFilter, RecordedEvent } from '../event-log.port.js';
import type { OffsetPage } from '../pull-subscription.js';
import type { EventRow, RecordedEvents } from './recorded-events.js';

/**
 * A page is read in steps of so many numbers, which cost nothing, and ends early past this much text:
 * reads hold the event loop, and pages are held in memory.
 */
const STEP = 125;
const PAGE_CHARS = 8 * 1024 * 1024;

const COLUMNS = 'e.position, s.name, e.revision, e.id, e.type, e.data, e.metadata';
/** CROSS JOIN is SQLite's way to say that the event table leads. */
const RANGE = `SELECT ${COLUMNS} FROM event e CROSS JOIN stream s ON s.id = e.stream_id
  WHERE e.position > ? AND e.position <= ?`;
const OF_TYPES = 'AND e.type IN (SELECT value FROM json_each(?))';
const OF_PREFIX = 'AND substr(s.name, 1, length(?)) = ?';
const OF_STREAM = `SELECT ${COLUMNS} FROM stream s CROSS JOIN event e ON e.stream_id = s.id
  WHERE s.name = ?`;

/** The reading side of the event table: keyset pages, never an open cursor. */
export class EventPages {
  private readonly ranges = new Map<string, Statement<unknown[], EventRow>>();
  private readonly forwards: Statement<unknown[], EventRow>;
  private readonly backwards: Statement<unknown[], EventRow>;
  private readonly last: Statement<[], number | null>;

  constructor(
    private readonly db: Database,
    private readonly recorded: RecordedEvents,
  ) {
    this.forwards = this.rows(`${OF_STREAM} AND e.revision >= ? ORDER BY e.revision LIMIT ?`);
    this.backwards = this.rows(`${OF_STREAM} AND e.revision <= ? ORDER BY e.revision DESC LIMIT ?`);
    this.last = db.prepare<[], number | null>('SELECT max(position) FROM event').pluck();
  }

  /** The newest event's number; 0 when there is none. */
  head(): number {
    return this.last.get() ?? 0;
  }

  /** Looks at the next `limit` numbers, fewer when their events are large. */
  after(offset: number, filter: LogFilter | undefined, limit: number): OffsetPage {
    const head = this.head();
    const until = Math.min(head, offset + limit);
    const select = this.rangeOf(filter);
    const events: RecordedEvent[] = [];
    let looked = offset;
    let chars = 0;
    while (looked < until && chars < PAGE_CHARS) {
      const to = Math.min(until, looked + STEP);
      for (const row of select(looked, to)) {
        chars += row[5].length + row[6].length;
        events.push(this.recorded.ofRow(row));
      }
      looked = to;
    }
    return { events, offset: looked, end: looked >= head };
  }

  ofStream(
    stream: string,
    direction: 'forwards' | 'backwards',
    from: number | undefined,
    limit: number,
  ): RecordedEvent[] {
    const rows =
      direction === 'forwards'
        ? this.forwards.all(stream, from ?? 0, limit)
        : this.backwards.all(stream, from ?? Number.MAX_SAFE_INTEGER, limit);
    return rows.map((row) => this.recorded.ofRow(row));
  }

  private rangeOf(filter: LogFilter | undefined): (from: number, to: number) => EventRow[] {
    const wanted: string[] = [];
    let sql = RANGE;
    if (filter?.types) {
      sql += ` ${OF_TYPES}`;
      wanted.push(JSON.stringify(filter.types));
    }
    if (filter?.streamPrefix !== undefined) {
      sql += ` ${OF_PREFIX}`;
      wanted.push(filter.streamPrefix, filter.streamPrefix);
    }
    const statement = this.ranges.get(sql) ?? this.rows(`${sql} ORDER BY e.position`);
    this.ranges.set(sql, statement);
    return (from, to) => statement.all(from, to, ...wanted);
  }

  private rows(sql: string): Statement<unknown[], EventRow> {
    return this.db.prepare<unknown[], EventRow>(sql).raw();
  }
}
