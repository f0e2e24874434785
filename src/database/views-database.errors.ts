/** views.db was written by a newer release, and this one cannot know what its tables mean. */
export class ViewsFromNewerRelease extends Error {
  readonly code = 'VIEWS_FROM_NEWER_RELEASE';
  override readonly name = 'ViewsFromNewerRelease';

  constructor(file: string, unknown: readonly string[]) {
    super(
      `${file} was written by a newer release (migrations not known here: ${unknown.join(', ')}). ` +
        'Run that release or a later one; or, since views hold nothing that the event log does not, ' +
        `stop the service, delete ${file} with its -wal and -shm, and start again: it is rebuilt from the log.`,
    );
  }
}

const CORRUPT = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];

/** Of the file, its disk or another process, not of what was asked: it may work the next time. */
const TROUBLE = [
  ...CORRUPT,
  'SQLITE_BUSY',
  'SQLITE_CANTOPEN',
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_LOCKED',
  'SQLITE_NOMEM',
  'SQLITE_PROTOCOL',
  'SQLITE_READONLY',
];

/** The file itself is broken; nothing but making it anew helps. */
export function isCorruption(error: unknown): boolean {
  return hasCode(error, CORRUPT);
}

/** Another process may have moved the file away between two steps of opening it. */
export function isOfMovedFile(error: unknown): boolean {
  return hasCode(error, ['SQLITE_IOERR', 'SQLITE_READONLY_DBMOVED']);
}

/** The file cannot be used now: full disk, lock, permissions, damage. */
export function isFileTrouble(error: unknown): error is Error {
  return hasCode(error, TROUBLE);
}

/** Thrown by the database, whatever it is about. */
export function isDatabaseError(error: unknown): error is Error {
  return hasCode(error, ['SQLITE_']);
}

/** Extended codes begin with the plain one: SQLITE_IOERR_WRITE. */
function hasCode(error: unknown, codes: readonly string[]): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && codes.some((known) => code.startsWith(known));
}
