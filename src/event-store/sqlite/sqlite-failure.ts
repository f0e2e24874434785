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
  const reason = reasonOf(error);
  if (reason === undefined) return error as Error;
  return new LogUnavailable(`${what}: ${reason}`, outcomeUnknown, { cause: error });
}

/** Why something was not written, as plain data: it may come from another thread. */
export interface WriteFailure {
  readonly reason: string;
  readonly outcomeUnknown: boolean;
  /** Not the file's fault: the operation itself was wrong. */
  readonly programmersError?: boolean;
}

export function writeFailure(what: string, error: unknown, outcomeUnknown: boolean): WriteFailure {
  const reason = reasonOf(error);
  if (reason !== undefined) return { reason: `${what}: ${reason}`, outcomeUnknown };
  return { reason: (error as Error).message, outcomeUnknown, programmersError: true };
}

export function errorOf({ reason, outcomeUnknown, programmersError }: WriteFailure): Error {
  return programmersError ? new Error(reason) : new LogUnavailable(reason, outcomeUnknown);
}

/** What SQLite said; undefined when it was not SQLite that complained. */
function reasonOf(error: unknown): string | undefined {
  const code = codeOf(error);
  const { message } = error as Error;
  if (code === '' && !/directory does not exist|connection is not open/.test(message)) {
    return undefined;
  }
  return `${message}${code && ` (${code})`}`;
}

/** By shape, not by class: the native part of the driver knows only the class it was loaded with first. */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}
