import type { Reason, TaskStatus } from '@taskmanager/protocol';
import { type Task, type TaskTypeRule, timersOf } from '../../task/index.js';
import { approvalReasons } from './approval-reasons.js';
import { howLong, iso, quoted } from './reason-text.js';

/** What a task's state does not say: undefined where nobody looked. */
export interface Circumstances {
  /** Claims that wait in this process for a task like this one. */
  readonly workersWaiting?: number;
  /** Tasks of its type that are given out before it. */
  readonly ahead?: number;
  readonly paused?: { readonly by: string; readonly reason?: string };
  /** Workers get no task of its type. */
  readonly typePaused?: TaskTypeRule['paused'];
  /** As many tasks of its type are held as may be. */
  readonly typeFull?: { readonly maxRunning: number; readonly held: number };
}

/** Why the task stands where it stands, from its own state: what holds it first, then its clocks. */
export function reasonsOf(task: Task, now: number, about: Circumstances = {}): Reason[] {
  return [...STATUS_REASONS[task.status](task, now, about), ...clockReasons(task, now)];
}

type Explain = (task: Task, now: number, about: Circumstances) => Reason[];

const STATUS_REASONS: Record<TaskStatus, Explain> = {
  pending: pendingReasons,
  running: runningReasons,
  paused: pausedReasons,
  waiting_for_approval: approvalReasons,
  failed: failedReasons,
  completed: ({ completedAt }) => [
    {
      code: 'completed',
      text: `It completed${completedAt === undefined ? '' : ` at ${iso(completedAt)}`}. Nothing more will happen to it.`,
    },
  ],
  cancelled: cancelledReasons,
  deleted: () => [],
};

function pendingReasons(task: Task, now: number, about: Circumstances): Reason[] {
  const { runBy, appName, taskType, runAt } = task;
  const reasons: Reason[] = [];
  if (runAt !== undefined && runAt > now) {
    const text = `It is not to run before ${iso(runAt)}, in ${howLong(runAt - now)}.`;
    reasons.push({ code: 'run_at', text, until: runAt });
  }
  if (runBy === 'app') {
    const text = `Its app, ${appName}, runs it itself and has not started it: it has to send start_task or update_task_status.`;
    return [...reasons, { code: 'waits_for_app', text, by: appName }];
  }
  reasons.push(...typeReasons(taskType, about));
  const { workersWaiting, ahead } = about;
  if (workersWaiting === 0) {
    const text = `No worker waits for tasks of type ${taskType} in this process: the workers are busy, away, or of other types. Start one that claims ${taskType}.`;
    reasons.push({ code: 'no_worker', text });
  } else if (reasons.length === 0) {
    const waiting = workersWaiting === undefined ? '' : ` ${workersWaiting} wait(s) for its type.`;
    const text = `It waits to be claimed by a worker.${waiting}`;
    reasons.push({ code: 'waits_for_worker', text });
  }
  const last = reasons.at(-1);
  if (!last || !ahead) return reasons;
  const before = ` ${ahead} task(s) of its type come before it by priority and age.`;
  return [...reasons.slice(0, -1), { ...last, text: last.text + before }];
}

function typeReasons(taskType: string, { typePaused, typeFull }: Circumstances): Reason[] {
  const reasons: Reason[] = [];
  if (typePaused) {
    const { by, at, reason } = typePaused;
    const why = reason === undefined ? '' : `: ${quoted(reason)}`;
    const text = `Workers get no tasks of type ${taskType}: it was paused by ${by} at ${iso(at)}${why}. tasks.admin.resume_task_type { taskType: ${JSON.stringify(taskType)} } lets them go on.`;
    reasons.push({ code: 'type_paused', text, by });
  }
  if (typeFull) {
    const text = `Workers may hold ${typeFull.maxRunning} task(s) of type ${taskType} at once, and hold ${typeFull.held}: it is given out when one of those is no longer held, or the limit is raised (tasks.admin.limit_task_type).`;
    reasons.push({ code: 'type_full', text });
  }
  return reasons;
}

function runningReasons(task: Task, now: number): Reason[] {
  if (task.leased) return leaseReasons(task, now);
  const { appName, startedAt, attempt, updatedAt } = task;
  const since = startedAt === undefined ? '' : ` since ${iso(startedAt)}`;
  const text = `Its app, ${appName}, runs it${since} (attempt ${attempt}), without a lease: nothing ends it but that app, a person or a clock. It was last heard of at ${iso(updatedAt)}.`;
  return [{ code: 'run_by_app', text, by: appName }];
}

function leaseReasons({ leaseExpiresAt = 0, workerId = '', ...task }: Task, now: number): Reason[] {
  const holder = `Worker ${workerId} holds it (lease ${task.leaseEpoch}, attempt ${task.attempt})`;
  if (leaseExpiresAt > now) {
    const text = `${holder}; the lease has ${howLong(leaseExpiresAt - now)} left, until ${iso(leaseExpiresAt)}, and is renewed by what the worker reports.`;
    return [{ code: 'leased', text, until: leaseExpiresAt, by: workerId }];
  }
  const text = `${holder}, but its lease ran out at ${iso(leaseExpiresAt)}: the worker was not heard of in time, and the task goes back to pending as soon as timers have run.`;
  return [{ code: 'lease_over', text, until: leaseExpiresAt, by: workerId }];
}

function pausedReasons(task: Task, now: number, { paused }: Circumstances): Reason[] {
  const { pausedAt = task.updatedAt, statusBefore = 'pending' } = task;
  const who = paused ? ` by ${paused.by}` : '';
  const why = paused?.reason === undefined ? '' : `: ${quoted(paused.reason)}`;
  const text = `It is paused since ${iso(pausedAt)}${who}${why}. Its clocks stand; resume_task takes it back to ${statusBefore}.`;
  const reasons: Reason[] = [{ code: 'paused', text, ...(paused && { by: paused.by }) }];
  if (task.pauseAcknowledged) return reasons;
  const runner = task.leased ? `worker ${task.workerId}` : `its app, ${task.appName}`;
  reasons.push({
    code: 'pause_not_acknowledged',
    text: `Whoever runs it, ${runner}, has not said that it has stopped (acknowledge_pause).`,
    by: task.leased ? (task.workerId ?? '') : task.appName,
  });
  return task.leased ? [...reasons, ...leaseReasons(task, now)] : reasons;
}

function failedReasons(task: Task, now: number): Reason[] {
  const { error = 'without an error', retryCount, maxRetries, nextRetryAt, persistent } = task;
  const failed = `It failed at attempt ${task.attempt}: ${quoted(error)}.`;
  const count = `${retryCount} of ${maxRetries} retries are used`;
  if (nextRetryAt !== undefined) {
    const when = nextRetryAt > now ? `in ${howLong(nextRetryAt - now)}` : 'which is now';
    const text = `${failed} It is retried by itself at ${iso(nextRetryAt)}, ${when}; ${count}.`;
    return [{ code: 'retry_due', text, until: nextRetryAt }];
  }
  if (task.willRetry) {
    const text = `${failed} It will be retried by itself; the retry saga has not scheduled that yet; ${count}.`;
    return [{ code: 'retry_not_scheduled', text, by: 'retry' }];
  }
  const usedUp = retryCount >= maxRetries;
  let why = 'the failure was said not to be worth a retry';
  if (!persistent)
    why = 'it is not persistent, and only persistent tasks are retried by themselves';
  if (usedUp) why = `all ${maxRetries} retries are used`;
  const what = usedUp
    ? 'An admin can force one more with retry_task and a reason'
    : 'retry_task takes it up again';
  return [{ code: 'failed', text: `${failed} No retry will come: ${why}. ${what}.` }];
}

function cancelledReasons({ completedAt, cancelAcknowledged, workerId, appName }: Task): Reason[] {
  const at = completedAt === undefined ? '' : ` at ${iso(completedAt)}`;
  const reasons: Reason[] = [
    { code: 'cancelled', text: `It was cancelled${at}. Nothing more will happen to it.` },
  ];
  if (cancelAcknowledged !== false) return reasons;
  const runner = workerId === undefined ? 'its app' : `worker ${workerId}`;
  const text = `Whoever ran it, ${runner}, has not said yet that it has stopped (acknowledge_cancel).`;
  return [...reasons, { code: 'cancel_not_acknowledged', text, by: workerId ?? appName }];
}

const CLOCKS = {
  queue: 'waiting to be started',
  run: 'this attempt',
  total: 'the whole task, pauses left out',
};

/** Clocks that run. */
function clockReasons(task: Task, now: number): Reason[] {
  return timersOf(task).flatMap(({ kind, dueAt }): Reason[] => {
    if (kind !== 'queue' && kind !== 'run' && kind !== 'total') return [];
    const clock = `Its ${kind} clock (${CLOCKS[kind]}; ${kind}Ms ${task.timeouts?.[`${kind}Ms`]})`;
    const text =
      dueAt > now
        ? `${clock} has ${howLong(dueAt - now)} left, until ${iso(dueAt)}; then the task fails.`
        : `${clock} ran out at ${iso(dueAt)}: the task fails as soon as timers have run.`;
    return [{ code: 'clock', text, until: dueAt }];
  });
}
