import { Refusal } from '../context/index.js';
import { type Task, isFinal } from '../task/index.js';
import type { RunnerCommand } from './task-command.js';

type Sender = Pick<RunnerCommand, 'workerId' | 'leaseEpoch'>;

/**
 * While a task is leased, only its lease may go on with it; what names a lease that is over is refused
 * at any time. A lease whose time is up holds until its end is in the log.
 */
export function requireLease(task: Task, sender: Sender): void {
  if (task.leased && sender.leaseEpoch === undefined) throw leaseLost(task, sender);
  allowOperator(task, sender);
}

/** As {@link requireLease}, but who names no lease is taken for an operator and may do it. */
export function allowOperator(task: Task, { workerId, leaseEpoch }: Sender): void {
  if (leaseEpoch === undefined) return;
  const present = leaseEpoch === task.leaseEpoch;
  const heldBySender = task.leased && (workerId === undefined || workerId === task.workerId);
  // The last worker of a task that is over hears that it is over, which says more.
  if (present && (heldBySender || isFinal(task))) return;
  throw leaseLost(task, { workerId, leaseEpoch });
}

function leaseLost(task: Task, { workerId, leaseEpoch }: Sender): Refusal {
  const who = workerId ?? 'the sender';
  const held = task.leased
    ? `${task.workerId ?? 'another worker'} holds it under lease ${task.leaseEpoch}`
    : `nobody holds a lease on it now (the last was ${task.leaseEpoch ?? 'none'})`;
  const named = leaseEpoch === undefined ? 'names no lease' : `names lease ${leaseEpoch}`;
  return new Refusal(
    'LEASE_LOST',
    `Task ${task.id} is not ${who}'s to go on with: it ${named}, but ${held}. Stop working on it.`,
    {
      taskId: task.id,
      status: task.status,
      ...(task.leaseEpoch !== undefined && { leaseEpoch: task.leaseEpoch }),
    },
  );
}
