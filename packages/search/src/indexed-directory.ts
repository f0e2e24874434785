import Sqlite, { type Database } from '@taskmanager/sqlite-driver';

/** Of which directory an index is; undefined when the file does not tell. */
export function indexedDirectory(file: string): string | undefined {
  let database: Database | undefined;
  try {
    database = new Sqlite(file, { fileMustExist: true });
    return database.prepare<[], { directory: string }>('SELECT directory FROM runs').get()
      ?.directory;
  } catch {
    return undefined; // gone, being made, broken, or of another version: whoever indexes makes it anew
  } finally {
    database?.close();
  }
}
