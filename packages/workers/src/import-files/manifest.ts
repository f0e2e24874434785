/** What one import has found, done and could not do: a SQLite file that others may read while it grows. */
import Database, {
  type Database as Connection,
  type Statement,
  useWal,
} from '@taskmanager/sqlite-driver';

/** A file that was found; its times are compared, never shown, so they may be bigint. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
}

export interface FileError {
  readonly path: string;
  readonly error: string;
}

/** Counts of files and bytes; `stored` are the objects that this import put into the store. */
export interface ManifestTotals {
  readonly found: number;
  readonly foundBytes: number;
  readonly done: number;
  readonly doneBytes: number;
  readonly stored: number;
  readonly failed: number;
}

/** `file.hash` is set when the object is in the store, `file.error` when it could not be; neither: to be done. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS file (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, hash TEXT, error TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS file_by_hash ON file (hash) WHERE hash IS NOT NULL;
  CREATE TABLE IF NOT EXISTS stored (hash TEXT PRIMARY KEY) WITHOUT ROWID;
`;
/** Paths read at a time: a reader that stays open would be in the way of writes. */
const PAGE = 256;

export class Manifest {
  private readonly findings: Statement<[string, number, bigint]>;
  private readonly failures: Statement<[string, string]>;
  private readonly intents: Statement<[string]>;
  private readonly known: Statement<[string]>;
  private readonly results: Statement<[number, bigint, string, string]>;

  private constructor(private readonly db: Connection) {
    // Found again with another size or time, it is done again.
    this.findings = db.prepare(
      `INSERT INTO file (path, size, mtime_ns) VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE
       SET size = excluded.size, mtime_ns = excluded.mtime_ns, hash = NULL, error = NULL
       WHERE size <> excluded.size OR mtime_ns <> excluded.mtime_ns`,
    );
    this.failures = db.prepare(
      `INSERT INTO file (path, size, mtime_ns, error) VALUES (?, 0, 0, ?) ON CONFLICT (path)
       DO UPDATE SET error = excluded.error, hash = NULL`,
    );
    this.known = db.prepare('SELECT 1 FROM file WHERE hash = ? LIMIT 1');
    this.intents = db.prepare('INSERT OR IGNORE INTO stored (hash) VALUES (?)');
    this.results = db.prepare(
      'UPDATE file SET size = ?, mtime_ns = ?, hash = ?, error = NULL WHERE path = ?',
    );
  }

  /** Takes up what an earlier attempt left in the file: what it could not do is forgotten and tried again. */
  static open(file: string): Manifest {
    const db = new Database(file);
    try {
      useWal(db);
      db.pragma('synchronous = NORMAL');
      db.exec(SCHEMA);
      db.exec('DELETE FROM file WHERE hash IS NULL');
      return new Manifest(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  found(files: readonly (FoundFile | FileError)[]): void {
    this.db.transaction(() => {
      for (const file of files) {
        if ('error' in file) this.failures.run(file.path, file.error);
        else this.findings.run(file.path, file.size, file.mtimeNs);
      }
    })();
  }

  failed(path: string, error: string): void {
    this.failures.run(path, error);
  }

  /** A file of this import has this content, and it is in the store. */
  has(hash: string): boolean {
    return this.known.get(hash) !== undefined;
  }

  /** Before the object gets its name: whoever takes this up after a kill knows that it was this import's. */
  storing(hash: string): void {
    this.intents.run(hash);
  }

  done({ path, size, mtimeNs }: FoundFile, hash: string): void {
    this.results.run(size, mtimeNs, hash, path);
  }

  /** The paths that are neither done nor failed, in their order. */
  *toDo(): Generator<string, void> {
    const page = this.db
      .prepare<[string, number], string>(
        'SELECT path FROM file WHERE path > ? AND hash IS NULL AND error IS NULL ORDER BY path LIMIT ?',
      )
      .pluck();
    for (let after = ''; ;) {
      const paths = page.all(after, PAGE);
      yield* paths;
      const last = paths.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  /** Everything that is said to be in the store, each once, a page at a time. */
  *objects(): Generator<readonly { readonly hash: string; readonly size: number }[], void> {
    const page = this.db.prepare<[string, number], { hash: string; size: number }>(
      'SELECT hash, max(size) AS size FROM file WHERE hash > ? GROUP BY hash ORDER BY hash LIMIT ?',
    );
    for (let after = ''; ;) {
      const objects = page.all(after, PAGE);
      yield objects;
      const last = objects.at(-1);
      if (last === undefined) return;
      after = last.hash;
    }
  }

  /** An object is not where it was put: its files are to be done again. */
  lost(hash: string): void {
    this.db.prepare('UPDATE file SET hash = NULL WHERE hash = ?').run(hash);
  }

  totals(): ManifestTotals {
    return this.db
      .prepare<[], ManifestTotals>(
        `SELECT count(*) AS found, total(size) AS foundBytes, count(hash) AS done,
           total(iif(hash IS NULL, 0, size)) AS doneBytes, count(error) AS failed,
           (SELECT count(DISTINCT file.hash) FROM file JOIN stored USING (hash)) AS stored
         FROM file`,
      )
      .get() as ManifestTotals;
  }

  errors(limit: number): FileError[] {
    return this.db
      .prepare<[number], FileError>(
        'SELECT path, error FROM file WHERE error IS NOT NULL ORDER BY path LIMIT ?',
      )
      .all(limit);
  }

  /** Leaves one file: what stood beside it is written into it, and is on the disk. */
  close(): void {
    this.db.close();
  }
}
