import { TaskManagerError } from '../errors.js';
import { TransportFailure } from '../transport/transport.js';
import type { Call } from './call.js';

/** Errors of the service after which the same message may well succeed. */
const PASSING = new Set(['UNAVAILABLE', 'OVERLOADED']);

/** What is known after a failed try. */
export interface TryFailure {
  readonly error: TaskManagerError;
  readonly retry: boolean;
  /** The command may have taken effect all the same. */
  readonly maybeDone: boolean;
}

export function judge(cause: unknown): TryFailure {
  if (cause instanceof TaskManagerError) {
    return {
      error: cause,
      retry: PASSING.has(cause.code),
      maybeDone: cause.code === 'UNAVAILABLE' || cause.code === 'BAD_ANSWER',
    };
  }
  if (cause instanceof TransportFailure) {
    const { reason, sent, message } = cause;
    if (reason === 'closed') return final('CLOSED', message, sent);
    if (reason === 'aborted') return final('ABORTED', message, sent);
    const code = reason === 'not_connected' ? 'UNAVAILABLE' : 'TIMEOUT';
    return { error: new TaskManagerError(code, message), retry: true, maybeDone: sent };
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return { error: new TaskManagerError('BAD_ANSWER', message), retry: false, maybeDone: true };
}

function final(code: 'CLOSED' | 'ABORTED', message: string, maybeDone: boolean): TryFailure {
  return { error: new TaskManagerError(code, message), retry: false, maybeDone };
}

/** The error of a call that ends without an answer: says what was tried and what is known of its effect. */
export function withoutAnswer(call: Call, code: 'TIMEOUT' | 'CLOSED' | 'ABORTED', why: string) {
  const { commandId } = call.meta;
  const outcome = call.maybeDone ? 'unknown' : 'not_sent';
  const about = call.lane === undefined ? '' : ` about task ${call.lane}`;
  const last = call.lastError ? ` Last: ${call.lastError.message.replace(/\.$/, '')}.` : '';
  const known = !call.maybeDone
    ? 'It had no effect.'
    : commandId === undefined
      ? 'It can be asked again.'
      : `The outcome is unknown: it may have taken effect. The same command with commandId ${commandId} is safe to send again.`;
  return new TaskManagerError(
    code === 'TIMEOUT' && call.lastError ? call.lastError.code : code,
    `${call.name}${about}: ${why}.${last} ${known}`,
    { ...call.lastError?.details, outcome, ...(commandId === undefined ? {} : { commandId }) },
    call.lastError?.correlationId ?? call.meta.correlationId,
    call.lastError ? { cause: call.lastError } : undefined,
  );
}
