import { TaskManagerError } from '@taskmanager/client';
import { ExitCode } from './exit-codes.js';
import { CommandFailed, Declined, UsageError } from './usage-error.js';

/** An error as the command line ends with it. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** One of the service's or the client's, or `USAGE`, `FAILED`, `DECLINED`, `INTERRUPTED`, `FAULT`. */
  readonly code: string;
  /** What happened, and what to do. */
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly correlationId?: string;
}

const WHAT_TO_DO: Readonly<Partial<Record<TaskManagerError['code'], string>>> = {
  UNAUTHENTICATED: 'Put a token of the service’s token file into TASKMANAGER_TOKEN.',
  FORBIDDEN: 'Use the token of somebody who may.',
  OVERLOADED: 'Try again in a moment.',
  TASK_NOT_FOUND: 'taskmanager task list shows which tasks there are.',
};
const CANNOT_CONNECT =
  'Start it (npm start), or say where it is: --server tcp://host:port or TASKMANAGER_SERVER.';

const UNREACHABLE: readonly string[] = ['UNAVAILABLE', 'TIMEOUT', 'OVERLOADED'];

/** @param signal whether it was told to stop, and by which signal */
export function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) {
    const exitCode = signal.reason === 'SIGTERM' ? ExitCode.Terminated : ExitCode.Interrupted;
    const message = error instanceof CommandFailed ? error.message : '';
    return { exitCode, code: 'INTERRUPTED', message };
  }
  if (error instanceof TaskManagerError) return failureOfClient(error);
  if (error instanceof UsageError)
    return { exitCode: ExitCode.WrongUsage, code: 'USAGE', message: error.message };
  if (error instanceof Declined)
    return { exitCode: ExitCode.Failed, code: 'DECLINED', message: error.message };
  if (error instanceof CommandFailed || isSystemError(error))
    return { exitCode: ExitCode.Failed, code: 'FAILED', message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: ExitCode.Failed, code: 'FAULT', message };
}

function failureOfClient(error: TaskManagerError): Failure {
  const { code, details, correlationId } = error;
  const neverConnected = code === 'UNAVAILABLE' && error.message.startsWith('No ');
  const toDo = neverConnected ? CANNOT_CONNECT : WHAT_TO_DO[code];
  return {
    exitCode: exitCodeOf(error),
    code,
    message: toDo === undefined ? error.message : `${error.message} ${toDo}`,
    ...(details ? { details } : {}),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}

function exitCodeOf({ code, details }: TaskManagerError): ExitCode {
  if (UNREACHABLE.includes(code)) return ExitCode.Unreachable;
  // With `problems` no service would take the request; without, this one has no such processor, job …
  const isMalformed = code === 'VALIDATION_FAILED' && details?.['problems'] !== undefined;
  return isMalformed ? ExitCode.WrongUsage : ExitCode.Failed;
}

/** A file that is not there, a full disk: their messages name the file. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
