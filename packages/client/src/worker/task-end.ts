import { type Json, LIMITS } from '@taskmanager/protocol';
import { TaskManagerError } from '../errors.js';
import { cutText } from './cut-text.js';
import type { Lease } from './lease.js';
import type { TaskLog } from './running-task.js';
import type { StopState } from './stop-state.js';
import { PermanentTaskError } from './task-stopped.js';
import { messageOf, textOf } from './worker-options.js';

/** How a handler ended; undefined when it was never run, or is not waited for any more. */
export type Outcome = { readonly result: Json | undefined } | { readonly error: unknown };

export interface EndParts {
  readonly lease: Lease;
  readonly stop: StopState;
  /** What the task is to go on from, if that is not with it already. */
  readonly checkpoint: Json | undefined;
  readonly log: TaskLog;
  readonly onError: (error: unknown) => void;
}

/** How often what is told of an end may turn out to be overtaken. */
const MOST_TURNS = 5;

/** Tells the service how a task's run ended, until it knows. Never rejects. */
export async function tellEnd(outcome: Outcome | undefined, parts: EndParts): Promise<void> {
  const { stop, log, onError } = parts;
  try {
    if (!outcome) return await tellStop(parts);
    if ('result' in outcome) {
      const { result } = outcome;
      // A handler that was told to stop and gives no result has stopped; any other has finished.
      if (stop.fired && result === undefined) return await tellStop(parts);
      return await complete(result, parts);
    }
    const { error } = outcome;
    if (stop.fired) {
      // Mostly how its work says that it was aborted.
      log.debug('The handler stopped', { error: textOf(error) });
      return await tellStop(parts);
    }
    const isForGood = error instanceof PermanentTaskError;
    // That one is thrown on purpose: its message says all.
    if (isForGood) log.warn('The handler failed the task for good', { error: error.message });
    else log.error('The handler threw', { error: textOf(error) });
    return await fail(said(error), !isForGood, parts);
  } catch (error) {
    log.error('The end of a task could not be told', { error: textOf(error) });
    onError(error);
  }
}

async function complete(result: Json | undefined, parts: EndParts): Promise<void> {
  const { lease, stop, log } = parts;
  if (isGone(stop)) return log.warn('The result comes too late', { why: stop.over?.message });
  try {
    await lease.insist('complete_task', result === undefined ? {} : { result: asJson(result) });
  } catch (error) {
    if (lease.isToldBy(error)) {
      log.warn('The result was refused', { error: textOf(error) });
      return tellStop(parts);
    }
    if (!isUnfit(error)) throw error;
    await fail(`The result was refused. ${messageOf(error)}`, false, parts);
  }
}

async function fail(error: string, retryable: boolean, parts: EndParts): Promise<void> {
  const { lease, log } = parts;
  const fields = { error: cutText(error, LIMITS.textBytes), retryable };
  try {
    await lease.insist('fail_task', fields);
  } catch (refusal) {
    if (!lease.isToldBy(refusal)) throw refusal;
    log.warn('The error was refused', { error: textOf(refusal) });
    await tellStop(parts);
  }
}

/** Says that it has stopped, in the way that what it stopped for asks for. */
async function tellStop(parts: EndParts): Promise<void> {
  const { lease, stop } = parts;
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    // A pause that was taken back when the handler knew of it already is acknowledged all the same: the
    // service makes a release of it.
    const reason = stop.wanted ?? stop.fired;
    if (!reason || isGone(stop) || reason.kind === 'failed') return;
    try {
      await tellStopOnce(reason.kind, parts);
      return;
    } catch (error) {
      if (!lease.isToldBy(error)) throw error;
      // Overtaken: paused before it was released, cancelled before its pause was acknowledged.
      if (stop.wanted === reason) return;
    }
  }
}

async function tellStopOnce(kind: string, parts: EndParts): Promise<void> {
  const { lease } = parts;
  if (kind === 'cancelled' || kind === 'deleted') {
    await lease.insist('acknowledge_cancel', {});
  } else if (kind === 'paused') {
    await withCheckpoint(parts, (checkpoint) => lease.insist('acknowledge_pause', checkpoint));
  } else {
    await withCheckpoint(parts, (checkpoint) =>
      lease.insist('release_task', { ...checkpoint, reason: 'The worker stops' }),
    );
  }
}

/** A checkpoint that the service does not take must not keep it from hearing that the work has stopped. */
async function withCheckpoint(
  { checkpoint, log, onError }: EndParts,
  tell: (fields: { readonly checkpoint?: Json }) => Promise<unknown>,
): Promise<void> {
  if (checkpoint === undefined) return void (await tell({}));
  try {
    await tell({ checkpoint: asJson(checkpoint) });
  } catch (error) {
    if (!isUnfit(error)) throw error;
    log.error('The checkpoint was refused: the last one counts', { error: textOf(error) });
    onError(error);
    await tell({});
  }
}

/** Nobody waits for a word from this worker. */
function isGone({ over }: StopState): boolean {
  return over?.kind === 'lease_lost' || over?.kind === 'waiting_for_approval';
}

/** The command itself was wrong: its payload. */
function isUnfit(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  const code = error instanceof TaskManagerError ? error.code : undefined;
  return code === 'PAYLOAD_TOO_LARGE' || code === 'VALIDATION_FAILED';
}

/**
 * The same value; whatever else is in the message that it goes in must not suffer from it.
 *
 * @throws TypeError for what cannot be written as JSON
 */
export function asJson(value: Json): Json {
  const isPlain = typeof value === 'string' || typeof value === 'number' || value === null;
  if (!isPlain && typeof value !== 'boolean' && !isWritten(value)) {
    throw new TypeError(`A ${typeof value} cannot be written as JSON`);
  }
  return value;
}

/** @throws TypeError, whatever it is that fails: a text too long, a depth too great, a toJSON that throws */
function isWritten(value: Json): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch (cause) {
    throw new TypeError(`It cannot be written as JSON: ${messageOf(cause)}`, { cause });
  }
}

function said(error: unknown): string {
  const message = messageOf(error);
  if (message !== '') return message;
  return error instanceof Error ? String(error.name) : 'The handler threw an empty text';
}
