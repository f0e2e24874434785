/** Reading your own writes: a query waits until a view has come to the position that it names. */
import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS, logIdOf, type Position } from '@taskmanager/protocol';
import { Refusal } from '../context/index.js';
import type { EventLog } from '../event-store/index.js';
import type { ProcessorRunner } from '../processing/index.js';

const HEAD_MS = 500;

/**
 * Resolves when the view has got there.
 * @param label of the view, for people
 * @throws Refusal when it does not in time, or never will
 */
export async function reachedOrRefused(
  view: string,
  label: string,
  after: Position,
  { runner, log }: { readonly runner: ProcessorRunner; readonly log: EventLog },
): Promise<void> {
  if (logIdOf(after) !== log.logId) {
    throw new Refusal(
      'VALIDATION_FAILED',
      `meta.after ${after} is a position of another event log; this one is ${log.logId}. Leave it out.`,
      { field: 'after' },
    );
  }
  const outcome = await runner.whenProcessed(view, after, LIMITS.afterMs);
  switch (outcome) {
    case 'reached':
      return;
    case 'full':
      throw new Refusal('OVERLOADED', `Too many queries wait for the ${label}. Try again.`);
    case 'late':
    case 'stopped':
      await refuseFuture(after, log);
      throw new Refusal(
        'UNAVAILABLE',
        outcome === 'late'
          ? `The ${label} has not reached ${after} within ${LIMITS.afterMs} ms. Try again, or read without meta.after.`
          : 'The service is shutting down. Try again on another one.',
        { after },
      );
  }
}

/** Given out before an older log was put back: waiting longer does not help. */
async function refuseFuture(after: Position, log: EventLog): Promise<void> {
  const head = await headInTime(log);
  if (head === 'unknown' || (head !== undefined && after <= head)) return;
  throw new Refusal(
    'VALIDATION_FAILED',
    `meta.after ${after} lies beyond the log's end. Leave it out.`,
    { field: 'after' },
  );
}

/** Where the log ends. One that is away answers late or not at all, and a query is not to wait for it. */
export function headInTime(log: EventLog): Promise<Position | undefined | 'unknown'> {
  const late = delay(HEAD_MS, 'unknown' as const, { ref: false });
  return Promise.race([log.head(), late]).catch(() => 'unknown' as const);
}
