import type { Timeouts } from '@taskmanager/protocol';
import type { Deadlines } from '../events/index.js';
import type { Task } from './task.js';

/** A clock that has run out is not less than out. */
const left = (dueAt: number | undefined, now: number): number | undefined =>
  dueAt === undefined ? undefined : Math.max(0, dueAt - now);

const due = (leftMs: number | undefined, now: number): number | undefined =>
  leftMs === undefined ? undefined : now + leftMs;

/** What a pause at `now` leaves of each clock. */
export function remainingClocks(task: Task, now: number): Timeouts {
  const { queueDueAt, runDueAt, totalDueAt } = task.deadlines;
  return compact({
    queueMs: left(queueDueAt, now),
    runMs: left(runDueAt, now),
    totalMs: left(totalDueAt, now),
  });
}

/** The deadlines of a task that is resumed at `now` into this status. */
export function resumedDeadlines(
  task: Task,
  status: 'pending' | 'running',
  now: number,
): Deadlines {
  const { remaining, timeouts } = task;
  return compact({
    // Paused while running, resumed to pending: its lease ended meanwhile, so it queues anew.
    queueDueAt: status === 'pending' ? due(remaining.queueMs ?? timeouts?.queueMs, now) : undefined,
    runDueAt: status === 'running' ? due(remaining.runMs, now) : undefined,
    totalDueAt: due(remaining.totalMs, now),
  });
}

/** The clocks of a task that becomes pending at `now` and was not paused. */
export function pendingDeadlines(
  task: Pick<Task, 'deadlines' | 'timeouts'>,
  now: number,
): Deadlines {
  return compact({
    queueDueAt: due(task.timeouts?.queueMs, now),
    totalDueAt: task.deadlines.totalDueAt,
  });
}

/** The clocks of an attempt that starts, or goes on with `runMs` left, at `now`. */
export function runningDeadlines(task: Task, now: number, runMs = task.timeouts?.runMs): Deadlines {
  return compact({ runDueAt: due(runMs, now), totalDueAt: task.deadlines.totalDueAt });
}

/** The total clock alone, set going again at `now` if a pause had stopped it. */
export function totalDeadline(task: Task, now: number): Deadlines {
  return compact({ totalDueAt: task.deadlines.totalDueAt ?? due(task.remaining.totalMs, now) });
}

/** Without the fields that are undefined: they are not there in JSON either. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
