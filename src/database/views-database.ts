import { renameSync, rmSync } from 'node:fs';
import Database, { useWal } from '@taskmanager/sqlite-driver';
import { Kysely, SqliteDialect } from 'kysely';
import { migrate, unknownMigrations, type ViewsSchema } from './migrations.js';
import { isCorruption, isOfMovedFile, ViewsFromNewerRelease } from './views-database.errors.js';

/** How long a write waits, holding the event loop, while another process writes; the runner tries again. */
const BUSY_MS = 250;
/** How long the start waits for one: nothing else is served yet. */
const OPEN_BUSY_MS = 10_000;
const PAGE_CACHE_KIB = 20 * 1024;
/** Pages in the WAL after which a commit moves them into the file: fewer, larger moves while a view is built. */
const WAL_PAGES = 8_000;

/**
 * The views' own SQLite file. Everything in it is computed from the event log, so it is not made as
 * safe as the log: `synchronous=NORMAL` may lose the last commits in a power cut, checkpoint and rows
 * alike, and they are folded again. Statements that run for every event or id are prepared once on
 * `connection`; migrations and lists whose text varies go through `kysely`, on the same connection.
 */
export class ViewsDatabase {
  private constructor(
    readonly file: string,
    readonly connection: Database.Database,
    readonly kysely: Kysely<ViewsSchema>,
  ) {}

  /**
   * Opens or makes the file and brings it up to this release. A file that SQLite cannot read is set
   * aside as `<file>.broken` and made anew; `tell` hears of it. Throws {@link ViewsFromNewerRelease}.
   */
  static async open(file: string, tell: (message: string) => void): Promise<ViewsDatabase> {
    try {
      return await ViewsDatabase.openOnce(file);
    } catch (error) {
      if (!isCorruption(error) && !isOfMovedFile(error)) throw error;
      return ViewsDatabase.openAnew(file, tell);
    }
  }

  /** One process at a time: another one may have made the file anew already, and is not to lose that. */
  private static async openAnew(
    file: string,
    tell: (message: string) => void,
  ): Promise<ViewsDatabase> {
    const lock = new Database(`${file}.lock`, { timeout: OPEN_BUSY_MS });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return await ViewsDatabase.openOnce(file);
    } catch (error) {
      if (!isCorruption(error)) throw error;
      setAside(file);
      tell(
        `${file} cannot be read (${(error as Error).message}). It is kept as ${file}.broken, and the views are rebuilt from the event log.`,
      );
      return await ViewsDatabase.openOnce(file);
    } finally {
      lock.close();
    }
  }

  private static async openOnce(file: string): Promise<ViewsDatabase> {
    const connection = new Database(file, { timeout: OPEN_BUSY_MS });
    try {
      useWal(connection);
      connection.pragma('synchronous = NORMAL');
      connection.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
      connection.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
      connection.pragma('temp_store = MEMORY');
      const kysely = new Kysely<ViewsSchema>({
        dialect: new SqliteDialect({ database: connection }),
      });
      connection.exec('BEGIN IMMEDIATE');
      const unknown = await unknownMigrations(kysely);
      if (unknown.length > 0) throw new ViewsFromNewerRelease(file, unknown);
      await migrate(kysely);
      connection.exec('COMMIT');
      connection.pragma(`busy_timeout = ${BUSY_MS}`);
      return new ViewsDatabase(file, connection, kysely);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Runs it in one write transaction; what it throws undoes all. Nothing asynchronous in there. */
  write<T>(run: () => T): T {
    return this.connection.transaction(run).immediate();
  }

  /**
   * Gives a second connection that sees the file as it is now, however long it reads and whoever writes
   * meanwhile. The WAL grows for as long.
   */
  async reading<T>(read: (connection: Database.Database) => Promise<T>): Promise<T> {
    const connection = new Database(this.file, { readonly: true });
    try {
      connection.exec('BEGIN');
      return await read(connection);
    } finally {
      connection.close();
    }
  }

  close(): void {
    this.connection.close();
  }
}

function setAside(file: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  renameSync(file, `${file}.broken`);
}
