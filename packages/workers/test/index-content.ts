import Sqlite from '@taskmanager/sqlite-driver';

export interface IndexContent {
  readonly files: readonly { readonly path: string; readonly hash: string }[];
  readonly symbols: readonly { readonly path: string; readonly name: string }[];
  readonly texts: { readonly count: number };
}

/** All that is in an index, without what may differ: ids, stamps, and which task wrote it. */
export function indexContent(index: string): IndexContent {
  const database = new Sqlite(index, { readonly: true });
  try {
    return {
      files: database
        .prepare(
          'SELECT path, hash, kind, language, bytes, lines, text FROM files LEFT JOIN texts ON texts.rowid = id ORDER BY path',
        )
        .all(),
      symbols: database
        .prepare(
          'SELECT path, name, s.kind, line FROM symbols s JOIN files f ON f.id = s.file ORDER BY path, line, name',
        )
        .all(),
      texts: database.prepare('SELECT count(*) AS count FROM texts').get(),
    } as IndexContent;
  } finally {
    database.close();
  }
}
