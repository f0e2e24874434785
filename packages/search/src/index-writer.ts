/** An index file, opened to be changed: by one process at a time, which is its matter. */
import { rmSync } from 'node:fs';
import Sqlite, { type Database, useWal } from '@taskmanager/sqlite-driver';
import { INDEX_TABLES, INDEX_VERSION, isIndex } from './index-schema.js';
import { type IndexSummary, summaryOf } from './index-summary.js';
import type { IndexedFile } from './indexed-file.js';

export interface KnownFile {
  readonly path: string;
  readonly stamp: string;
  readonly hash: string;
}

/** Not an index, or one that the disk or somebody has spoiled: it can be made again. */
const SPOILED = new Set(['SQLITE_NOTADB', 'SQLITE_CORRUPT']);
const spoiled = () => Object.assign(new Error('not an index'), { code: 'SQLITE_NOTADB' });

export class IndexWriter {
  private readonly statements: ReturnType<typeof prepare>;

  private constructor(
    private readonly database: Database,
    private readonly task: string,
  ) {
    this.statements = prepare(database);
  }

  /** Opens the index, or makes it: also when it is of another version, or broken. */
  static open(file: string, directory: string, task: string): IndexWriter {
    try {
      return IndexWriter.openOnce(file, directory, task);
    } catch (error) {
      if (!SPOILED.has((error as { code?: string }).code ?? '')) throw error;
      for (const each of [file, `${file}-wal`, `${file}-shm`]) rmSync(each, { force: true });
      return IndexWriter.openOnce(file, directory, task);
    }
  }

  private static openOnce(file: string, directory: string, task: string): IndexWriter {
    const database = new Sqlite(file, { timeout: 10_000 });
    try {
      // Whoever searches reads on while this writes; what a power cut takes is found missing and made again.
      useWal(database);
      database.pragma('synchronous = NORMAL');
      if (database.pragma('user_version', { simple: true }) !== INDEX_VERSION)
        database.transaction(() => database.exec(INDEX_TABLES))();
      if (!isIndex(database)) throw spoiled();
      const writer = new IndexWriter(database, task);
      writer.begin(directory);
      return writer;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Each file of the index, by its path. */
  known(): Map<string, KnownFile> {
    const rows = this.database.prepare<[], KnownFile>('SELECT path, stamp, hash FROM files').all();
    return new Map(rows.map((row) => [row.path, row]));
  }

  /** Writes these files, in place of what was known of them, in one transaction. */
  write(files: readonly IndexedFile[]): void {
    this.database.transaction(() => files.forEach((file) => this.writeOne(file)))();
  }

  /** Remembers that the content of a file is the same under another stamp. */
  restamp(files: readonly KnownFile[]): void {
    const { restamp } = this.statements;
    this.database.transaction(() => files.forEach((file) => restamp.run(file.stamp, file.path)))();
  }

  /** Takes these files out, in one transaction. */
  remove(paths: readonly string[]): void {
    this.database.transaction(() => paths.forEach((path) => this.removeOne(path)))();
  }

  /** Says that the index is what the directory was, at this commit. */
  end(commit: string | undefined, now: number): void {
    this.database.prepare('UPDATE runs SET commit_id = ?, ended_at = ?').run(commit ?? null, now);
  }

  summary(): IndexSummary {
    return summaryOf(this.database, this.task);
  }

  close(): void {
    this.database.close();
  }

  /** A task that goes on after a pause or a kill goes on counting; another begins. */
  private begin(directory: string): void {
    const last = this.database.prepare<[], { task: string }>('SELECT task FROM runs').get();
    if (last?.task === this.task) return;
    const sql = last
      ? 'UPDATE runs SET task = ?, directory = ?, removed = 0'
      : 'INSERT INTO runs (task, directory, removed) VALUES (?, ?, 0)';
    this.database.prepare(sql).run(this.task, directory);
  }

  private writeOne(file: IndexedFile): void {
    const { fileOf, addFile, changeFile, addText, addSymbol } = this.statements;
    const { path, stamp, hash, kind, language = null, bytes, lines } = file;
    const values = [stamp, hash, kind, language, bytes, lines, this.task, path];
    const before = fileOf.get(path)?.id;
    if (before !== undefined) {
      this.empty(before);
      changeFile.run(...values);
    }
    const id = before ?? addFile.run(...values).lastInsertRowid;
    if (file.text !== undefined) addText.run(id, file.text);
    for (const symbol of file.symbols ?? [])
      addSymbol.run(id, symbol.name, symbol.kind, symbol.line);
  }

  private removeOne(path: string): void {
    const { fileOf, removeFile, countRemoved } = this.statements;
    const id = fileOf.get(path)?.id;
    if (id === undefined) return;
    this.empty(id);
    removeFile.run(id);
    countRemoved.run();
  }

  private empty(id: number): void {
    this.statements.removeText.run(id);
    this.statements.removeSymbols.run(id);
  }
}

/** What runs for every file is prepared once. */
function prepare(database: Database) {
  return {
    fileOf: database.prepare<[string], { id: number }>('SELECT id FROM files WHERE path = ?'),
    addFile: database.prepare(
      `INSERT INTO files (stamp, hash, kind, language, bytes, lines, task, path)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    changeFile: database.prepare(
      `UPDATE files SET stamp = ?, hash = ?, kind = ?, language = ?, bytes = ?, lines = ?, task = ?
       WHERE path = ?`,
    ),
    restamp: database.prepare('UPDATE files SET stamp = ? WHERE path = ?'),
    removeFile: database.prepare('DELETE FROM files WHERE id = ?'),
    countRemoved: database.prepare('UPDATE runs SET removed = removed + 1'),
    addText: database.prepare('INSERT INTO texts (rowid, text) VALUES (?, ?)'),
    removeText: database.prepare('DELETE FROM texts WHERE rowid = ?'),
    addSymbol: database.prepare('INSERT INTO symbols (file, name, kind, line) VALUES (?, ?, ?, ?)'),
    removeSymbols: database.prepare('DELETE FROM symbols WHERE file = ?'),
  };
}
