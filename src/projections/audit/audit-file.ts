/** One audit file, open: what is asked of it and written into it. It holds the thread that it runs in. */
import type { Database, Statement } from '@taskmanager/sqlite-driver';
import type { RecordedEvent } from '../../event-store/index.js';
import { type Comparison, compareRows } from './audit-compare.js';
import { AuditNames } from './audit-names.js';
import { AUDIT_VERSION, type AuditRow, auditRowOf } from './audit-row.js';
import { AuditRows } from './audit-rows.js';
import { openAuditDatabase } from './audit-schema.js';
import { AuditSearch, type AuditSearchRequest, type FoundRows } from './audit-search.js';
import { AuditWriter } from './audit-writer.js';

/** What a file says of itself. */
export interface AuditFileState {
  readonly logId: string;
  readonly version: number;
  /** The checkpoint: every event up to here has its row. */
  readonly position: string | null;
  readonly events: number;
}

/** The newest row, to be looked for in the log. */
export type LastRow = Pick<AuditRow, 'offset' | 'stream' | 'revision' | 'eventId'>;

export interface AuditTotals {
  readonly events: number;
  readonly tasks: number;
  readonly refusals: number;
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly byType: Readonly<Record<string, number>>;
}

/** The last event of a stream, as an audit file knows it. */
export interface StreamHead {
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly eventId: string;
  readonly offset: number;
}

export class AuditFile {
  private readonly writer: AuditWriter;
  private readonly search: AuditSearch;
  private readonly rows: AuditRows;
  private readonly names: AuditNames;
  private readonly meta: Statement<[], AuditFileState>;
  private readonly streams: Statement<[string, number], { name: string; last: number }>;

  private constructor(private readonly db: Database) {
    this.writer = new AuditWriter(db);
    this.search = new AuditSearch(db);
    this.rows = new AuditRows(db);
    this.names = new AuditNames(db);
    this.meta = db.prepare(
      'SELECT log_id AS logId, version, position, (SELECT total(events) FROM block) AS events FROM meta',
    );
    this.streams = db.prepare('SELECT name, last FROM stream WHERE name > ? ORDER BY name LIMIT ?');
  }

  static open(file: string, logId: string): AuditFile {
    const db = openAuditDatabase(file, logId, AUDIT_VERSION);
    try {
      return new AuditFile(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  state(): AuditFileState & { readonly last: LastRow | undefined } {
    const meta = this.meta.get();
    if (!meta) throw new Error('The audit file says nothing of itself.');
    return { ...meta, last: this.rows.last() };
  }

  /** See {@link AuditWriter.write}. */
  write(
    expected: string | null,
    records: readonly RecordedEvent[],
    position: string | null,
  ): boolean {
    return this.writer.write(expected, records.map(auditRowOf), position);
  }

  page(request: AuditSearchRequest): FoundRows {
    return this.search.page(request);
  }

  compare(records: readonly RecordedEvent[], after: number, upTo: number): Comparison {
    return compareRows(this.rows, records, after, upTo);
  }

  totals(): AuditTotals {
    const { db } = this;
    const one = (sql: string) => db.prepare<[], number | null>(sql).pluck().get() ?? null;
    const byType = Object.fromEntries(
      this.names.all('type').map(({ text, events }) => [text, events]),
    );
    return {
      events: one('SELECT total(events) FROM block') ?? 0,
      tasks: byType['TaskCreated'] ?? 0,
      refusals: byType['CommandRefused'] ?? 0,
      firstAt: one('SELECT at FROM event ORDER BY offset LIMIT 1'),
      lastAt: one('SELECT at FROM event ORDER BY offset DESC LIMIT 1'),
      byType,
    };
  }

  /** The last event of each stream, in the order of their names, strictly after one. */
  heads(after: string, limit: number): StreamHead[] {
    return this.streams.all(after, limit).flatMap(({ last }) => headOf(this.rows.at(last)) ?? []);
  }

  /** The first rows beyond a place in the log. */
  beyond(after: number, limit: number): StreamHead[] {
    return this.rows
      .range(after, Number.MAX_SAFE_INTEGER, limit)
      .flatMap((row) => headOf(row) ?? []);
  }

  close(): void {
    this.db.close();
  }
}

function headOf(row: AuditRow | undefined): StreamHead | undefined {
  if (!row) return undefined;
  const { stream, revision, type, eventId, offset } = row;
  return { stream, revision, type, eventId, offset };
}
