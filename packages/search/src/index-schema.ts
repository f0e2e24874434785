/** The one home of what an index file is: where it lies, its tables, its version. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Sqlite, { type Database } from '@taskmanager/sqlite-driver';

/**
 * Raised when the tables change, or what is written into them from the same file (a grammar, the rules of
 * languages): an index of another version is made anew.
 */
export const INDEX_VERSION = 1;

/** Fewer characters have no trigram, and cannot be found. */
export const MIN_SEARCH_LENGTH = 3;

/**
 * @param root the first of the worker's roots
 * @param directory the real path of what is indexed
 */
export function indexFileOf(root: string, directory: string): string {
  const name = createHash('sha256').update(directory).digest('hex');
  return join(root, '.taskmanager', 'indexes', `${name}.db`);
}

/**
 * - `files`: each tracked file that is there. `stamp` is what lstat said, empty when it is too young to be
 *   believed; `hash` of the content; `kind` `text`, `binary` or `large`; `lines` of text and large files;
 *   `task` that wrote the row.
 * - `texts`: the content of text files, by the id of the file. Trigrams find parts of words, as code
 *   needs it, and without a language of its own; a file is one row, so that a search sees the old or the new.
 * - `symbols`: what a text file defines.
 * - `runs`: one row, about the last task that indexed.
 */
export const INDEX_TABLES = `
  DROP TABLE IF EXISTS files;
  DROP TABLE IF EXISTS texts;
  DROP TABLE IF EXISTS symbols;
  DROP TABLE IF EXISTS runs;
  CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    stamp TEXT NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    language TEXT,
    bytes INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    task TEXT NOT NULL
  );
  CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = 'trigram', columnsize = 0);
  CREATE TABLE symbols (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL,
    line INTEGER NOT NULL
  );
  CREATE INDEX symbols_by_name ON symbols (name);
  CREATE INDEX symbols_by_file ON symbols (file);
  CREATE TABLE runs (
    task TEXT NOT NULL,
    directory TEXT NOT NULL,
    removed INTEGER NOT NULL,
    commit_id TEXT,
    ended_at INTEGER
  );
  PRAGMA user_version = ${INDEX_VERSION};
`;

/**
 * Whether the tables are those that {@link INDEX_TABLES} makes, and nothing reads or changes them unasked:
 * a view or a computed column of somebody else's could keep a reader for ever.
 */
export function isIndex(database: Database): boolean {
  own ??= made();
  const found = definitions(database);
  return own.every((definition) => found.includes(definition)) && hasOnlyTables(database);
}

let own: readonly string[] | undefined;

function made(): readonly string[] {
  const database = new Sqlite(':memory:');
  try {
    database.exec(INDEX_TABLES);
    return definitions(database);
  } finally {
    database.close();
  }
}

/** Of the tables by name; those that FTS5 makes for itself are for it to check. */
function definitions(database: Database): readonly string[] {
  return database
    .prepare<[], string>(
      `SELECT sql FROM sqlite_schema WHERE name IN ('files', 'texts', 'symbols', 'runs')`,
    )
    .pluck()
    .all();
}

function hasOnlyTables(database: Database): boolean {
  const others = `SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')`;
  return database.prepare<[], number>(others).pluck().get() === 0;
}
