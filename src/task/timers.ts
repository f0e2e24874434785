import type { TaskTimer, TimerKind } from '../events/index.js';
import { escalationDueAt, reminderDueAt } from './approval.js';
import type { Task } from './task.js';

/** What time alone will do to the task as it stands, the first first. Empty when it waits for no time. */
export function timersOf(task: Task): TaskTimer[] {
  const timers: TaskTimer[] = [];
  const add = (kind: TimerKind, dueAt: number | undefined) => {
    if (dueAt !== undefined) timers.push({ kind, dueAt });
  };
  const { status, deadlines, approval } = task;
  if (task.leased) add('lease', task.leaseExpiresAt);
  if (status === 'failed') {
    // While a retry is to come the total runs on, but a task that has failed cannot fail again.
    if (task.nextRetryAt !== undefined) add('retry', task.nextRetryAt);
    else if (task.willRetry) add('retry_schedule', task.updatedAt);
  } else {
    add('queue', deadlines.queueDueAt);
    add('run', deadlines.runDueAt);
    add('total', deadlines.totalDueAt);
  }
  if (status === 'waiting_for_approval' && approval?.outcome === 'waiting') {
    add('approval_due', approval.dueAt);
    add('approval_reminder', reminderDueAt(approval));
    add('approval_escalation', escalationDueAt(approval));
  }
  return timers.sort((a, b) => a.dueAt - b.dueAt);
}

/** When the first of the task's timers is due, epoch milliseconds. */
export function nextDueAt(task: Task): number | undefined {
  return timersOf(task)[0]?.dueAt;
}
