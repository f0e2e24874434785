/** Sees to it that one task at a time writes an index. */
import Sqlite, { type Database } from '@taskmanager/sqlite-driver';

/**
 * An exclusive lock on an empty file beside the index, which the system gives back when its holder dies,
 * however it dies. The index itself cannot be locked that way: it is read all the time.
 */
export class IndexLock {
  private constructor(private readonly database: Database) {}

  /** undefined when another holds it. */
  static take(indexFile: string): IndexLock | undefined {
    const database = new Sqlite(`${indexFile}.lock`, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new IndexLock(database);
    } catch (error) {
      database.close();
      if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) return undefined;
      throw error;
    }
  }

  release(): void {
    this.database.close();
  }
}
