import { LogUnavailable } from '../event-log.errors.js';

/** What an error of SQLite means to whoever uses the log. */

const FILE_TROUBLE =
  /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PERM|AUTH|PROTOCOL)/;

export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY');
}

/** The file or the disk is at fault, so every write of the flush is; any other error is one write's own. */
export function isFileTrouble(error: unknown): boolean {
  return FILE_TROUBLE.test(codeOf(error));
}

/**
 * After an I/O error in COMMIT this process sees the transaction rolled back, but its frames may stand
 * whole in the WAL: a crash right then would bring them back.
 */
export function mayHaveHappened(errorOfCommit: unknown): boolean {
  return codeOf(errorOfCommit).startsWith('SQLITE_IOERR');
}

/** SQLite's errors and refusals to open become LogUnavailable; a programmer's error stays what it is. */
export function unavailable(what: string, error: unknown, outcomeUnknown = false): Error {
  if (error instanceof LogUnavailable) return error;
  const code = codeOf(error);
  const { message } = error as Error;
  if (code === '' && !/directory does not exist|connection is not open/.test(message)) {
    return error as Error;
  }
  return new LogUnavailable(`${what}: ${message}${code && ` (${code})`}`, outcomeUnknown, {
    cause: error,
  });
}

/** By shape, not by class: the native part of the driver knows only the class it was loaded with first. */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}
