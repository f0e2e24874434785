import { rmSync } from 'node:fs';
import Sqlite, { type Database } from '@taskmanager/sqlite-driver';

/**
 * An exclusive lock on an empty file beside a file, `<file>.lock`, which the system gives back when its
 * holder dies, however it dies. An index itself cannot be locked that way: it is read all the time.
 */
export class FileLock {
  private constructor(
    private readonly database: Database,
    private readonly lock: string,
  ) {}

  /** undefined when another holds it. */
  static take(file: string): FileLock | undefined {
    const lock = `${file}.lock`;
    const database = new Sqlite(lock, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new FileLock(database, lock);
    } catch (error) {
      database.close();
      if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) return undefined;
      throw error;
    }
  }

  release(): void {
    this.database.close();
  }

  /** Releases it, and takes the lock's file away: for what nobody is to lock again. */
  end(): void {
    rmSync(this.lock, { force: true });
    this.database.close();
  }
}
