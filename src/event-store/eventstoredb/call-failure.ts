import {
  AccessDeniedError,
  DeadlineExceededError,
  InvalidArgumentError,
  isCommandError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
  UnsupportedError,
} from '@eventstore/db-client';
import { ClientThrownAway } from './cluster-client.js';
import { TimeLimitPassed } from './time-limit.js';

/** What an error of the client means. A conflict is not here: it is an answer. */
export interface CallFailure {
  readonly reason: string;
  /** Trying again may help. Otherwise the server said no, and will say no again. */
  readonly passing: boolean;
  /** An append may have happened all the same. */
  readonly mayHaveHappened: boolean;
  /** The client will not get well by itself: it keeps the failure and answers with it for ever. */
  readonly poisoned: boolean;
}

const REFUSALS = [
  AccessDeniedError,
  InvalidArgumentError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  UnsupportedError,
];
const UNAVAILABLE = 14;
const CANCELLED = 1;

export function failureOf(error: unknown): CallFailure {
  const reason = reasonOf(error);
  if (REFUSALS.some((refusal) => error instanceof refusal)) {
    return { reason, passing: false, mayHaveHappened: false, poisoned: false };
  }
  const failure = { reason, passing: true, mayHaveHappened: true, poisoned: false };
  if (error instanceof NotLeaderError) return { ...failure, mayHaveHappened: false };
  const ownError = error instanceof TimeLimitPassed || error instanceof ClientThrownAway;
  if (ownError || (error instanceof Error && isCommandError(error))) return failure;
  // The first call of a connection asks what the server can do, and keeps the answer: also a failure,
  // unless it is one of these two. No class is put around it then, so the code has to be looked at.
  const { code } = error as { readonly code?: unknown };
  if (code === UNAVAILABLE || code === CANCELLED) return failure;
  const sent = !reason.startsWith('Failed to discover');
  return { ...failure, mayHaveHappened: sent, poisoned: true };
}

/** Some of the client's errors have no message at all. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof MaxAppendSizeExceededError) {
    return `the append is larger than the ${error.maxAppendSize} bytes that the server takes (MaxAppendSize)`;
  }
  if (error instanceof StreamDeletedError) {
    return `stream ${error.streamName} was tombstoned: its name can never be used again`;
  }
  if (error instanceof AccessDeniedError) {
    return 'the server denies access: the login needs to read $all and to write the streams';
  }
  if (error instanceof DeadlineExceededError && !error.message) {
    return 'the server gave up before its own time limit (or its clock differs from this one)';
  }
  return error.message || error.constructor.name;
}
