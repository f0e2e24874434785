import SqliteDatabase, { type Database, useWal } from '@taskmanager/sqlite-driver';
import { LogUnavailable } from '../event-log.errors.js';
import { migrate, numberPragma } from './schema.js';
import { unavailable } from './sqlite-failure.js';
import type { SqliteSettings } from './sqlite-options.js';

const OPEN_TIMEOUT_MS = 5_000;
/** Short, because waiting in SQLite holds the thread; the write queue waits longer without it. */
const BUSY_TIMEOUT_MS = 10;
const WAL_KEPT_BYTES = 64 * 1024 * 1024;

/** What SQLite itself says of a connection: what a promise of durability rests on. */
export interface Durability {
  readonly journalMode: string;
  /** 2 is FULL: an fsync at each commit. */
  readonly synchronous: number;
}

/** Creates or opens the log's file, at the newest schema; LogUnavailable says what is wrong with it. */
export function connect(settings: SqliteSettings): Database {
  let db: Database | undefined;
  try {
    db = new SqliteDatabase(settings.file, { timeout: OPEN_TIMEOUT_MS });
    prepare(db, settings);
    migrate(db);
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return db;
  } catch (error) {
    db?.close();
    throw unavailable(`cannot open ${settings.file}`, error);
  }
}

export function durabilityOf(db: Database): Durability {
  return {
    journalMode: String(db.pragma('journal_mode', { simple: true })),
    synchronous: numberPragma(db, 'synchronous'),
  };
}

function prepare(db: Database, settings: SqliteSettings): void {
  useWal(db);
  db.pragma('synchronous = FULL');
  db.pragma(`wal_autocheckpoint = ${settings.walCheckpointPages}`);
  db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
  db.pragma(`cache_size = -${settings.pageCacheKiB}`);
  const { journalMode, synchronous } = durabilityOf(db);
  if (journalMode !== 'wal' || synchronous !== 2) {
    throw new LogUnavailable(
      `${settings.file} does not take WAL with synchronous=FULL (got ${journalMode}, ${synchronous})`,
      false,
    );
  }
}
