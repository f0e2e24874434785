import type { ErrorBody, ErrorCode } from '@taskmanager/protocol';

/**
 * What the client itself refuses or gives up:
 * - `TIMEOUT`: no answer within the call's time limit; `details.outcome` is `not_sent` or `unknown`
 * - `CLOSED`: the client was closed
 * - `ABORTED`: the caller's signal fired
 * - `BAD_ANSWER`: what came back is not an answer of TaskManager
 */
export type ClientErrorCode = 'TIMEOUT' | 'CLOSED' | 'ABORTED' | 'BAD_ANSWER';

/** Every error of this package: those of the service with its code, and the client's own. */
export class TaskManagerError extends Error {
  override readonly name = 'TaskManagerError';

  constructor(
    readonly code: ErrorCode | ClientErrorCode,
    message: string,
    /** For programs: e.g. `{ field }`, `{ status, allowed }`, `{ outcome, commandId }`. */
    readonly details?: Readonly<Record<string, unknown>>,
    /** Finds the request in the service's log and events. */
    readonly correlationId?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** From what a reply carries as `err`; a stock Nest transport may answer bare text. */
  static fromReply(err: unknown): TaskManagerError {
    if (isErrorBody(err)) {
      return new TaskManagerError(err.code, err.message, err.details, err.correlationId);
    }
    const text = typeof err === 'string' ? err : JSON.stringify(err);
    return new TaskManagerError(
      'BAD_ANSWER',
      `The service answered an error of unknown form: ${text}`,
    );
  }
}

function isErrorBody(value: unknown): value is ErrorBody {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<ErrorBody>).code === 'string' &&
    typeof (value as Partial<ErrorBody>).message === 'string'
  );
}
