/** An audit file: its tables, and how it is opened. */
import Sqlite, { type Database, useWal } from '@taskmanager/sqlite-driver';

const BUSY_MS = 2_000;
const PAGE_CACHE_KIB = 8 * 1024;
const WAL_PAGES = 4_000;

/** What a name stands for. */
export const NAME_KINDS = { type: 1, actor: 2, app: 3, taskType: 4, worker: 5, whole: 6 } as const;
export type NameKind = keyof typeof NAME_KINDS;

/**
 * `event` is narrow, so that what filters look at stays in memory; `detail` is read for the answered rows
 * only. Both have the position's number as their key, and each index of `event` is in its order within one
 * value: a posting list. `name` and `stream` hold what repeats, with the number of their events. `block`
 * sums up stretches of the log: where times may lie. `about` has the task of an event that lies in no
 * stream of it: an import, or what an admin told the service of it.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (
    log_id TEXT NOT NULL, version INTEGER NOT NULL, position TEXT
  );
  CREATE TABLE IF NOT EXISTS name (
    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text TEXT NOT NULL, events INTEGER NOT NULL,
    UNIQUE (kind, text)
  );
  CREATE TABLE IF NOT EXISTS stream (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
    last INTEGER NOT NULL, events INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS block (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
    min_at INTEGER NOT NULL, max_at INTEGER NOT NULL, events INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS event (
    offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, stream INTEGER NOT NULL, type INTEGER NOT NULL,
    actor INTEGER NOT NULL, app INTEGER, task_type INTEGER, worker INTEGER, correlation INTEGER
  );
  CREATE TABLE IF NOT EXISTS detail (
    offset INTEGER PRIMARY KEY, event_id BLOB, revision INTEGER NOT NULL, whole INTEGER NOT NULL,
    status TEXT, attempt INTEGER, transport TEXT, command_id BLOB, correlation_id BLOB, causation_id BLOB,
    refused TEXT, line TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS about (offset INTEGER PRIMARY KEY, task TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS about_by_task ON about (task);
  CREATE INDEX IF NOT EXISTS event_by_stream ON event (stream);
  CREATE INDEX IF NOT EXISTS event_by_type ON event (type);
  CREATE INDEX IF NOT EXISTS event_by_actor ON event (actor);
  CREATE INDEX IF NOT EXISTS event_by_app ON event (app) WHERE app IS NOT NULL;
  CREATE INDEX IF NOT EXISTS event_by_task_type ON event (task_type) WHERE task_type IS NOT NULL;
  CREATE INDEX IF NOT EXISTS event_by_worker ON event (worker) WHERE worker IS NOT NULL;
  CREATE INDEX IF NOT EXISTS event_by_correlation ON event (correlation) WHERE correlation IS NOT NULL;
`;

/** The file has the tables of another version: nothing is written into it, for it may be evidence. */
export class OtherLayout extends Error {
  override readonly name = 'OtherLayout';

  constructor(
    file: string,
    readonly logId: string,
    readonly version: number,
  ) {
    super(`${file} has the layout of version ${version} of the audit.`);
  }
}

/**
 * Makes or opens the file; a new one belongs to this log and version.
 * @throws OtherLayout when it belongs to another version
 */
export function openAuditDatabase(file: string, logId: string, version: number): Database {
  const db = new Sqlite(file, { timeout: BUSY_MS });
  try {
    assertLayout(db, file, version);
    useWal(db);
    // Rows are computed from the log: what a power cut takes is written again, checkpoint and rows alike.
    db.pragma('synchronous = NORMAL');
    db.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    db.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
    db.pragma('temp_store = MEMORY');
    db.transaction(() => {
      db.exec(SCHEMA);
      db.prepare(
        `INSERT INTO meta (log_id, version, position)
         SELECT ?, ?, NULL WHERE NOT EXISTS (SELECT 1 FROM meta)`,
      ).run(logId, version);
    }).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function assertLayout(db: Database, file: string, version: number): void {
  const isMade = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() !== undefined;
  const meta = isMade
    ? db
        .prepare<[], { logId: string; version: number }>(
          'SELECT log_id AS logId, version FROM meta',
        )
        .get()
    : undefined;
  if (meta && meta.version !== version) throw new OtherLayout(file, meta.logId, meta.version);
}

/** A UUID takes 16 bytes instead of 36; other text stays text. */
export function packed(written: string | null): Buffer | string | null {
  return written !== null && UUID.test(written)
    ? Buffer.from(written.replaceAll('-', ''), 'hex')
    : written;
}

export function unpacked(stored: Uint8Array | string | null): string | null {
  if (stored === null || typeof stored === 'string') return stored;
  const hex = Buffer.from(stored).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
