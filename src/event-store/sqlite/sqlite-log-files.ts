import SqliteDatabase, { type Database } from '@taskmanager/sqlite-driver';
import { existsSync, rmSync } from 'node:fs';
import type { RecordedEvent } from '../event-log.port.js';
import { LogUnavailable } from '../event-log.errors.js';
import { type CopyOptions, LogFiles, type StoredLog } from '../log-files.port.js';
import { type EventRow, RecordedEvents } from './recorded-events.js';
import { numberPragma, readLogId, refuseForeignFile, refuseNewerSchema } from './schema.js';
import { isBusy, isFileTrouble, unavailable } from './sqlite-failure.js';

/** A step of a copy takes about a millisecond. */
const PAGES_A_STEP = 256;
const BUSY_TIMEOUT_MS = 5_000;
const LOOK_TIMEOUT_MS = 200;

/** Files of the SQLite log. */
export class SqliteLogFiles extends LogFiles {
  async copy(from: string, to: string, options: CopyOptions = {}): Promise<void> {
    const what = `cannot copy ${from} to ${to}`;
    try {
      await withDatabase(from, { readonly: true }, (source) => copyPages(source, to, options));
      options.signal?.throwIfAborted();
      // The copy says of itself that it has a WAL, as the log does. One file is easier to keep.
      await withDatabase(to, {}, (target) => target.pragma('journal_mode = DELETE'));
    } catch (error) {
      rmSync(to, { force: true });
      throw unavailable(what, error);
    }
  }

  read(file: string): StoredLog {
    if (!existsSync(file)) throw new LogUnavailable(`there is none at ${file}`, false);
    let db: Database | undefined;
    try {
      db = new SqliteDatabase(file, { readonly: true, fileMustExist: true });
      refuseForeignFile(db, numberPragma(db, 'user_version'));
      refuseNewerSchema(db);
      return new SqliteStoredLog(db, readLogId(db));
    } catch (error) {
      db?.close();
      throw unavailable(`cannot read ${file}`, error);
    }
  }

  async forgetSnapshots(file: string): Promise<void> {
    try {
      await withDatabase(file, {}, (db) => {
        db.pragma('journal_mode = DELETE');
        db.exec('DELETE FROM snapshot');
      });
    } catch (error) {
      throw unavailable(`cannot take the snapshots out of ${file}`, error);
    }
  }

  isOpen(file: string): boolean {
    if (!existsSync(file)) return false;
    const db = new SqliteDatabase(file, { timeout: LOOK_TIMEOUT_MS });
    try {
      // Whoever has it open in WAL mode holds a lock on it all the time, also when it does nothing.
      db.pragma('locking_mode = EXCLUSIVE');
      db.exec('BEGIN EXCLUSIVE; ROLLBACK');
      return false;
    } catch (error) {
      if (isBusy(error)) return true;
      // A file that is no database any more is of no use to anybody who has it open.
      if (isFileTrouble(error)) return false;
      throw unavailable(`cannot open ${file}`, error);
    } finally {
      db.close();
    }
  }
}

async function copyPages(
  source: Database,
  to: string,
  { signal, onProgress }: CopyOptions,
): Promise<void> {
  const pageBytes = numberPragma(source, 'page_size');
  // A transaction keeps what is copied as it is; without it every commit meanwhile would begin it anew.
  source.exec('BEGIN');
  readLogId(source);
  await source.backup(to, {
    progress: ({ totalPages, remainingPages }) => {
      signal?.throwIfAborted();
      onProgress?.((totalPages - remainingPages) * pageBytes, totalPages * pageBytes);
      return PAGES_A_STEP;
    },
  });
  source.exec('COMMIT');
}

async function withDatabase(
  file: string,
  options: { readonly readonly?: boolean },
  work: (db: Database) => unknown,
): Promise<void> {
  const db = new SqliteDatabase(file, {
    ...options,
    fileMustExist: true,
    timeout: BUSY_TIMEOUT_MS,
  });
  try {
    await work(db);
  } finally {
    db.close();
  }
}

class SqliteStoredLog implements StoredLog {
  constructor(
    private readonly db: Database,
    readonly logId: string,
  ) {}

  get size(): number {
    const last = this.db
      .prepare<[], number>('SELECT coalesce(max(position), 0) FROM event')
      .pluck();
    return last.get() ?? 0;
  }

  damage(): string | undefined {
    const found = this.db.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') return String(found);
    const [trigger] = this.db
      .prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
      .pluck()
      .all();
    // It would change what the service writes from now on, behind its back.
    return trigger === undefined ? undefined : `it has a trigger, ${trigger}, and no log has any`;
  }

  *events(): Generator<RecordedEvent> {
    const records = new RecordedEvents(this.logId);
    const rows = this.db
      .prepare<[], EventRow>(
        `SELECT event.position, stream.name, event.revision, event.id, event.type, event.data, event.metadata
         FROM event LEFT JOIN stream ON stream.id = event.stream_id ORDER BY event.position`,
      )
      .raw();
    try {
      for (const row of rows.iterate()) yield records.ofRow(row);
    } catch (error) {
      throw unavailable(`cannot read ${this.db.name}`, error);
    }
  }

  close(): void {
    this.db.close();
  }
}
