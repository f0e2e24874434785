import SqliteDatabase, { type Database } from '@taskmanager/sqlite-driver';
import { LogUnavailable } from '../event-log.errors.js';
import { GroupCommit } from './group-commit.js';
import { ReadTurns } from './read-turns.js';
import { migrate, numberPragma, readLogId } from './schema.js';
import { unavailable } from './sqlite-failure.js';
import { settingsOf, type SqliteEventStoreOptions, type SqliteSettings } from './sqlite-options.js';
import { WriteQueue } from './write-queue.js';

const OPEN_TIMEOUT_MS = 5_000;
/** Short, because waiting in SQLite holds the event loop; the write queue waits longer without it. */
const BUSY_TIMEOUT_MS = 10;
const WAL_KEPT_BYTES = 64 * 1024 * 1024;

/**
 * The log's file and this process's one connection to it, shared by the event log and the processor
 * store, so that their writes share commits and their reads a warm cache. SQLite calls are
 * synchronous: a read never meets a transaction half done.
 */
export class LogFile {
  readonly logId: string;
  readonly groups: GroupCommit;
  readonly queue: WriteQueue;
  private readonly turns = new ReadTurns();
  private owners = 0;
  private closing: Promise<void> | undefined;

  private constructor(
    readonly db: Database,
    readonly settings: SqliteSettings,
  ) {
    this.logId = readLogId(db);
    this.groups = new GroupCommit(db);
    this.queue = new WriteQueue(this.groups, settings);
  }

  /** Creates or opens the file; LogUnavailable says what is wrong with it. */
  static open(options: SqliteEventStoreOptions): LogFile {
    const settings = settingsOf(options);
    let db: Database | undefined;
    try {
      db = new SqliteDatabase(settings.file, { timeout: OPEN_TIMEOUT_MS });
      prepareConnection(db, settings);
      migrate(db);
      db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
      return new LogFile(db, settings);
    } catch (error) {
      db?.close();
      throw unavailable(`cannot open ${settings.file}`, error);
    }
  }

  /** Each adapter on this file retains it and releases it when it is closed. */
  retain(): void {
    this.owners += 1;
  }

  /** Ends what was queued; the last owner closes the connection. */
  async release(): Promise<void> {
    await this.queue.drain();
    this.owners -= 1;
    if (this.owners > 0) return;
    this.closing ??= this.close();
    await this.closing;
  }

  /** Runs a read; a failure of SQLite becomes LogUnavailable. */
  read<T>(query: () => T): T {
    if (!this.db.open) throw new LogUnavailable(`${this.settings.file} is closed`, false);
    try {
      return query();
    } catch (error) {
      throw unavailable(`cannot read ${this.settings.file}`, error);
    }
  }

  /**
   * A read of many rows. Past a budget it gives way to the event loop first, or a long replay would
   * stop everything else.
   */
  async readInTurn<T>(query: () => T, rowsOf: (answer: T) => number): Promise<T> {
    await this.turns.next();
    const answer = this.read(query);
    this.turns.spent(rowsOf(answer));
    return answer;
  }

  /** How the writing connection really is set: what a promise of durability rests on. */
  durability(): { readonly journalMode: string; readonly synchronous: number } {
    const journalMode = String(this.db.pragma('journal_mode', { simple: true }));
    return { journalMode, synchronous: numberPragma(this.db, 'synchronous') };
  }

  private async close(): Promise<void> {
    await this.queue.close();
    try {
      this.db.pragma('wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // The WAL is as durable as the file: the next one to open it carries on from there.
      process.emitWarning(unavailable('the WAL stays behind on close', error));
    } finally {
      this.db.close();
    }
  }
}

function prepareConnection(db: Database, settings: SqliteSettings): void {
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma(`wal_autocheckpoint = ${settings.walCheckpointPages}`);
  db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
  db.pragma(`cache_size = -${settings.pageCacheKiB}`);
  const { journalMode, synchronous } = {
    journalMode: db.pragma('journal_mode', { simple: true }),
    synchronous: numberPragma(db, 'synchronous'),
  };
  if (journalMode !== 'wal' || synchronous !== 2) {
    throw new LogUnavailable(
      `${settings.file} does not take WAL with synchronous=FULL (got ${String(journalMode)}, ${synchronous})`,
      false,
    );
  }
}
