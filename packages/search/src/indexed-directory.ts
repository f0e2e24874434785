import Sqlite from '@taskmanager/sqlite-driver';

/** Of which directory an index is; undefined when the file does not tell. */
export function indexedDirectory(file: string): string | undefined {
  const database = new Sqlite(file, { fileMustExist: true });
  try {
    return database.prepare<[], { directory: string }>('SELECT directory FROM runs').get()
      ?.directory;
  } catch {
    return undefined; // being made, broken, or of another version: whoever indexes makes it anew
  } finally {
    database.close();
  }
}
