import type { Position } from '@taskmanager/protocol';
import type { EventLog } from '../src/event-store/index.js';
import { TASK_STREAM_PREFIX, decodeTaskEvent } from '../src/events/index.js';
import { type Task, evolve } from '../src/task/index.js';

/** For tests: tasks that nothing will ever move, found without the service's views and timers. */

/** A task in limbo, and since when; `why` names the time that passed without anything happening. */
export interface Limbo {
  readonly taskId: string;
  readonly status: Task['status'];
  readonly why: string;
  /** Epoch milliseconds. */
  readonly dueAt: number;
}

/** Folds the whole log. What should have happened up to `graceMs` before `now` and has not is limbo. */
export async function findLimbo(log: EventLog, now: number, graceMs = 10_000): Promise<Limbo[]> {
  const found: Limbo[] = [];
  for (const task of (await foldLog(log)).values()) {
    for (const [why, dueAt] of Object.entries(expectations(task))) {
      if (dueAt === undefined || dueAt > now - graceMs) continue;
      found.push({ taskId: task.id, status: task.status, why, dueAt });
    }
  }
  return found;
}

/** Every task of the log, deleted ones too. */
export async function foldLog(log: EventLog): Promise<ReadonlyMap<string, Task>> {
  const tasks = new Map<string, Task>();
  let after: Position | undefined;
  for (;;) {
    const options = { filter: { streamPrefix: TASK_STREAM_PREFIX }, limit: 10_000 };
    const page = await log.readAll(after === undefined ? options : { ...options, after });
    for (const record of page.events) {
      const stored = decodeTaskEvent(record);
      tasks.set(stored.taskId, evolve(tasks.get(stored.taskId), stored));
    }
    if (page.end) return tasks;
    after = page.position;
  }
}

/** What has to happen to the task and when, from the words of DESIGN §3 and not from the code's own list. */
function expectations(task: Task): Record<string, number | undefined> {
  const { approval, deadlines } = task;
  switch (task.status) {
    case 'pending':
      return { 'queue clock': deadlines.queueDueAt, 'total clock': deadlines.totalDueAt };
    case 'running':
      return {
        lease: task.leased ? task.leaseExpiresAt : undefined,
        'run clock': deadlines.runDueAt,
        'total clock': deadlines.totalDueAt,
      };
    case 'paused':
      return { lease: task.leased ? task.leaseExpiresAt : undefined };
    case 'waiting_for_approval': {
      const { requestedAt = 0, escalateAfterMs, remindEveryMs, remindedAt } = approval ?? {};
      const escalates = escalateAfterMs !== undefined && approval?.escalateTo?.length;
      return {
        'total clock': deadlines.totalDueAt,
        'approval due': approval?.dueAt,
        escalation: escalates && !approval.escalated ? requestedAt + escalateAfterMs : undefined,
        reminder: remindEveryMs && (remindedAt ?? requestedAt) + remindEveryMs,
      };
    }
    case 'failed':
      if (!task.willRetry) return {};
      return task.nextRetryAt === undefined
        ? { 'retry not scheduled': task.updatedAt }
        : { retry: task.nextRetryAt };
    case 'completed':
    case 'cancelled':
    case 'deleted':
      return {};
  }
}
