/**
 * What must happen when a command meets a task, written by hand from the design's text (§3, §4) and from
 * nothing else: the deciders are judged by it. Where the design leaves a choice open the model says so
 * (`unspecified`, `skipped`, several codes) instead of guessing.
 */
import type { Actor, ErrorCode, Json, TaskStatus, Timeouts } from '@taskmanager/protocol';
import { type Fact, type Fold, foldFact, isWorkedOn } from './task-fold.js';

type Clock = 'queue' | 'run' | 'total';
type Clocks = Readonly<Partial<Record<Clock, number>>>;

/** A task as the model knows it. */
export interface ModelTask {
  readonly fold: Fold;
  /** The present lease was renewed or worked under. */
  readonly leaseUsed: boolean;
  readonly leaseMs: number;
  /** A lease was cut off by a cancellation or deletion: its holder has to acknowledge it. */
  readonly cutOff: boolean;
  /** Progress was reported in this attempt. */
  readonly reported: boolean;
  readonly willRetry: boolean;
  /** The last TaskFailed. */
  readonly failedEventId?: string;
  readonly failedRevision?: number;
  readonly failedAt?: number;
  readonly approvalByWorker: boolean;
  /** Which notices of the present request are in the history, and when the last reminder was. */
  readonly announced: boolean;
  readonly escalated: boolean;
  readonly remindedAt?: number | undefined;
  /** What a completing vote completes with. */
  readonly keptResult?: Json;
  /** Deadlines of the clocks that run, epoch milliseconds. */
  readonly running: Clocks;
  /** What is left of the clocks that stand, milliseconds. */
  readonly left: Clocks;
  /** The design does not say what is left of totalMs after a task ended and was retried by hand. */
  readonly totalUnknown: boolean;
}

export interface Sent {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly actor: Actor;
  /** max(clock, the stream's last timestamp). */
  readonly now: number;
}

export interface ExpectedEvent {
  readonly type: string;
  /** What its data must be; nothing else may be in it but `open`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Fields whose value the design leaves open. */
  readonly open?: readonly string[];
}

export type Expected =
  | { readonly kind: 'events'; readonly events: readonly ExpectedEvent[] }
  /** Several grounds: the design does not order them, so any of the codes is right. */
  | { readonly kind: 'refused'; readonly codes: readonly ErrorCode[]; readonly mentions?: string }
  /** A candidate that no longer fits: refused or without events, as long as nothing is written. */
  | { readonly kind: 'skipped' }
  /** The design does not say; such a command is not sent. */
  | { readonly kind: 'unspecified'; readonly why: string };

const events = (...list: ExpectedEvent[]): Expected => ({ kind: 'events', events: list });
const nothing = events();
const refused = (...codes: ErrorCode[]): Expected => ({ kind: 'refused', codes });
const skipped: Expected = { kind: 'skipped' };
const unspecified = (why: string): Expected => ({ kind: 'unspecified', why });

const FINAL: readonly TaskStatus[] = ['completed', 'cancelled', 'deleted'];
export const isFinal = ({ fold, willRetry }: ModelTask): boolean =>
  FINAL.includes(fold.info.status) || (fold.info.status === 'failed' && !willRetry);

const defined = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

/** What the command must come to. */
export function expected(task: ModelTask | undefined, sent: Sent): Expected {
  if (sent.name === 'create_task') return create(task, sent);
  if (!task) return refused('TASK_NOT_FOUND');
  const rule = RULES[sent.name];
  if (!rule) throw new Error(`The model knows no command ${sent.name}.`);
  const outcome = rule(task, sent);
  // Whether a tombstone is still found is open; that nothing may be done with it is not.
  if (outcome.kind === 'refused' && task.fold.info.status === 'deleted') {
    return { ...outcome, codes: [...outcome.codes, 'TASK_NOT_FOUND'] };
  }
  return outcome;
}

function create(task: ModelTask | undefined, { args }: Sent): Expected {
  if (task) {
    // The generator uses a key of its own for each creation of another task.
    return refused('CONFLICT');
  }
  const persistent = args['persistent'] ?? false;
  return events({
    type: 'TaskCreated',
    open: args['backoff'] === undefined ? ['backoff'] : [],
    data: defined({
      name: args['name'],
      taskType: args['taskType'],
      appName: args['appName'],
      runBy: args['runBy'] ?? (persistent ? 'worker' : 'app'),
      data: args['data'],
      input: args['input'],
      persistent,
      maxRetries: args['maxRetries'] ?? 3,
      retryDelayMs: args['retryDelayMs'] ?? 1_000,
      backoff: args['backoff'],
      priority: args['priority'] ?? 0,
      labels: args['labels'] ?? {},
      timeouts: args['timeouts'],
      runAt: args['runAt'],
      idempotencyKey: args['idempotencyKey'],
    }),
  });
}

type Rule = (task: ModelTask, sent: Sent) => Expected;

/** Refuses when the status is wrong, or when the sender does not hold the lease it needs. */
function guarded(
  task: ModelTask,
  args: Sent['args'],
  fits: boolean,
  lease: 'needed' | 'operators too',
): Expected | undefined {
  const { leased, info } = task.fold;
  const epoch = args['leaseEpoch'];
  const codes: ErrorCode[] = [];
  if (!fits) codes.push('INVALID_TRANSITION');
  const another = leased && args['workerId'] !== undefined && args['workerId'] !== info.workerId;
  const stale = epoch !== undefined && (!leased || epoch !== info.leaseEpoch || another);
  const missing = epoch === undefined && leased && lease === 'needed';
  if (stale || missing) codes.push('LEASE_LOST');
  return codes.length > 0 ? refused(...codes) : undefined;
}

const statusIs = ({ fold }: ModelTask, ...statuses: TaskStatus[]): boolean =>
  statuses.includes(fold.info.status);

const mayCancel = (task: ModelTask): boolean => !isFinal(task);
const mayFail = (task: ModelTask): boolean =>
  statusIs(task, 'pending', 'running', 'paused', 'waiting_for_approval');

const start: Rule = (task, { args, now }) => {
  const { info, leased } = task.fold;
  const fits = statusIs(task, 'pending') || (statusIs(task, 'running') && !leased);
  if (!fits) return refused('INVALID_TRANSITION');
  const leaseMs = args['leaseMs'] as number | undefined;
  return events({
    type: 'TaskStarted',
    open: ['reason'],
    data: defined({
      attempt: info.attempt + 1,
      workerId: args['workerId'],
      leaseEpoch: leaseMs === undefined ? undefined : (info.leaseEpoch ?? 0) + 1,
      leaseExpiresAt: leaseMs === undefined ? undefined : now + leaseMs,
    }),
  });
};

const updateProgress: Rule = (task, { args, now }) => {
  const { info, leased } = task.fold;
  const completed = args['completedItems'] as number | undefined;
  const total = args['totalItems'] as number | undefined;
  const bare = args['progress'] as number | undefined;
  if ((completed === undefined) !== (total === undefined)) {
    return unspecified('one of completedItems and totalItems without the other');
  }
  if (completed === undefined && bare === undefined) return unspecified('progress of nothing');
  const guard = guarded(task, args, isWorkedOn(task.fold.info), 'needed');
  const tooMany = completed !== undefined && total !== undefined && completed > total;
  if (guard?.kind === 'refused') {
    return tooMany ? refused(...guard.codes, 'VALIDATION_FAILED') : guard;
  }
  if (tooMany) return refused('VALIDATION_FAILED');

  const progress =
    completed === undefined || total === undefined
      ? bare
      : total === 0
        ? 0
        : Math.floor((100 * completed) / total);
  if (task.reported) {
    const lower =
      completed === undefined
        ? bare! < info.progress
        : total === info.totalItems && completed < (info.completedItems ?? 0);
    // Word for word what was said last says nothing new; under a lease it still renews it.
    const same =
      !leased &&
      progress === info.progress &&
      [undefined, info.completedItems].includes(completed) &&
      [undefined, info.totalItems].includes(total) &&
      [undefined, info.message].includes(args['message'] as string | undefined);
    if (lower || same) return nothing;
  }
  return events({
    type: 'ProgressUpdated',
    data: defined({
      progress,
      completedItems: completed,
      totalItems: total,
      message: args['message'],
      leaseExpiresAt: leased ? now + task.leaseMs : undefined,
    }),
  });
};

const updateData: Rule = (task, { args }) =>
  guarded(task, args, !isFinal(task), 'needed') ??
  events({ type: 'TaskDataUpdated', data: { data: args['data'] } });

const recordError: Rule = (task, { args }) =>
  statusIs(task, 'deleted')
    ? refused('INVALID_TRANSITION')
    : events({ type: 'TaskErrorRecorded', data: { error: args['error'] } });

const pause: Rule = (task, { args, now }) =>
  statusIs(task, 'pending', 'running')
    ? events({
        type: 'TaskPaused',
        open: task.totalUnknown ? ['remaining'] : [],
        data: defined({
          reason: args['reason'],
          statusBefore: task.fold.info.status,
          ...(task.totalUnknown ? {} : { remaining: whatIsLeft(task, now) }),
        }),
      })
    : refused('INVALID_TRANSITION');

function whatIsLeft({ running }: ModelTask, now: number): Timeouts {
  const left = (due: number | undefined) =>
    due === undefined ? undefined : Math.max(0, due - now);
  return defined({
    queueMs: left(running.queue),
    runMs: left(running.run),
    totalMs: left(running.total),
  });
}

const resume: Rule = (task, { args, now }) => {
  if (!statusIs(task, 'paused')) return refused('INVALID_TRANSITION');
  const due = (left: number | undefined) => (left === undefined ? undefined : now + left);
  const { left } = task;
  return events({
    type: 'TaskResumed',
    data: defined({
      deadlines: defined({
        queueDueAt: due(left.queue),
        runDueAt: due(left.run),
        totalDueAt: due(left.total),
      }),
      reason: args['reason'],
    }),
  });
};

const cancel: Rule = (task, { args }) =>
  mayCancel(task)
    ? events({ type: 'TaskCancelled', data: defined({ reason: args['reason'] }) })
    : refused('INVALID_TRANSITION');

const remove: Rule = (task, { args }) => {
  if (statusIs(task, 'deleted')) return refused('INVALID_TRANSITION');
  const deleted = { type: 'TaskDeleted', data: defined({ reason: args['reason'] }) };
  return isFinal(task)
    ? events(deleted)
    : events({ type: 'TaskCancelled', open: ['reason'] }, deleted);
};

const complete: Rule = (task, sent) => {
  const { args } = sent;
  if (statusIs(task, 'waiting_for_approval')) {
    if (args['leaseEpoch'] !== undefined) return unspecified('a vote under a lease that has ended');
    return vote(task, sent, 'complete');
  }
  return (
    guarded(task, args, isWorkedOn(task.fold.info), 'needed') ??
    events({ type: 'TaskCompleted', data: defined({ result: args['result'] }) })
  );
};

/** Who fails a task says why; whether trying again helps is open where nobody said. */
const failed = (task: ModelTask, error?: unknown, retryable?: boolean): ExpectedEvent =>
  retryable === undefined
    ? { type: 'TaskFailed', open: ['error', 'retryable', 'willRetry'] }
    : { type: 'TaskFailed', data: { error, retryable, willRetry: willRetry(task, retryable) } };

export function willRetry({ fold: { info } }: ModelTask, retryable: boolean): boolean {
  return info.persistent && retryable && info.retryCount < info.maxRetries;
}

const fail: Rule = (task, { args }) =>
  guarded(task, args, mayFail(task), 'operators too') ??
  events(failed(task, args['error'], args['retryable'] !== false));

const retry: Rule = (task, { args, actor }) => {
  const { retryCount, maxRetries } = task.fold.info;
  const forced = args['force'] === true;
  const admin = actor.roles.includes('admin');
  const codes: ErrorCode[] = [];
  if (!statusIs(task, 'failed')) codes.push('INVALID_TRANSITION');
  if (forced && !admin) {
    if (statusIs(task, 'failed') && retryCount < maxRetries) {
      return unspecified('force without need and without being admin');
    }
    codes.push('FORBIDDEN');
  }
  // Forced by an admin with a reason.
  if (forced && args['reason'] === undefined) codes.push('VALIDATION_FAILED');
  if (codes.length > 0) return refused(...codes);
  // The design names no code for a retry past the last one.
  if (retryCount >= maxRetries && args['force'] !== true) {
    return refused('INVALID_TRANSITION', 'FORBIDDEN');
  }
  return retried(task, args['reason']);
};

const retried = ({ fold: { info } }: ModelTask, reason?: unknown): Expected =>
  events({
    type: 'TaskRetried',
    data: defined({ retryCount: info.retryCount + 1, maxRetries: info.maxRetries, reason }),
  });

const requestApproval: Rule = (task, { args, actor, now }) => {
  if (((args['dueAt'] as number | undefined) ?? Infinity) <= now) {
    return unspecified('an approval that was due before it was asked for');
  }
  const approvers = (args['approvers'] as readonly string[] | undefined) ?? [];
  const quorum = (args['quorum'] as number | undefined) ?? 1;
  const enough = approvers.length === 0 || approvers.some((each) => each.startsWith('role:'));
  const voters = approvers.filter((each) => args['allowSelf'] !== false || each !== actor.id);
  if (!enough && quorum > voters.length) return unspecified('more votes than voters');
  const escalateTo = (args['escalateTo'] as readonly string[] | undefined) ?? [];
  const escalateAfter = args['escalateAfterMs'] as number | undefined;
  if (escalateTo.length > 0 !== (escalateAfter !== undefined)) {
    return unspecified('an escalation to nobody, or at no time');
  }
  if (now + (escalateAfter ?? 0) >= ((args['dueAt'] as number | undefined) ?? Infinity)) {
    return unspecified('an escalation of what is over');
  }
  const guard = guarded(task, args, isWorkedOn(task.fold.info), 'needed');
  if (guard) return guard;
  return events({
    type: 'TaskApprovalRequested',
    data: defined({
      approvers,
      quorum,
      allowSelf: args['allowSelf'] ?? true,
      dueAt: args['dueAt'],
      remindEveryMs: args['remindEveryMs'],
      escalateTo: args['escalateTo'],
      escalateAfterMs: args['escalateAfterMs'],
      onApproved: args['onApproved'] ?? 'resume',
      result: args['result'],
      comment: args['comment'],
    }),
  });
};

const names = (list: readonly string[], { id, roles }: Actor): boolean =>
  list.some((each) => each === id || roles.some((role) => each === `role:${role}`));

/** A stranger: neither named nor, once they were told, among those it escalated to. */
function isStranger(task: ModelTask, actor: Actor): boolean {
  const { approvers = [], escalateTo = [] } = task.fold.info.approval ?? {};
  if (approvers.length === 0 || names(approvers, actor)) return false;
  return !(task.escalated && names(escalateTo, actor));
}

const isLate = ({ fold }: ModelTask, now: number): boolean =>
  (fold.info.approval?.dueAt ?? Infinity) <= now;

function vote(task: ModelTask, { args, actor, now }: Sent, how: 'approve' | 'complete'): Expected {
  const approval = task.fold.info.approval;
  if (!approval) throw new Error('A task that waits for approval has a request.');
  const codes: ErrorCode[] = [];
  if (isStranger(task, actor)) codes.push('FORBIDDEN');
  if (!approval.allowSelf && approval.requestedBy === actor.id) codes.push('FORBIDDEN');
  const again = approval.votes.some(({ by }) => by === actor.id);
  // The design names the detail of a second vote, not its code.
  if (again) codes.push('INVALID_TRANSITION', 'CONFLICT', 'FORBIDDEN');
  // The design is silent about an answer that comes late but before TaskApprovalExpired is written.
  if (isLate(task, now)) codes.push('INVALID_TRANSITION');
  if (codes.length > 0) {
    const outcome = { kind: 'refused', codes } as const;
    return again && codes[0] !== 'FORBIDDEN' && !isLate(task, now)
      ? { ...outcome, mentions: 'already_voted' }
      : outcome;
  }
  const list: ExpectedEvent[] = [
    {
      type: 'TaskApprovalGiven',
      open: ['result'],
      data: defined({ by: actor.id, comment: args['comment'] }),
    },
  ];
  if (approval.votes.length + 1 < approval.quorum) return events(...list);
  const completes = how === 'complete' || approval.onApproved === 'complete';
  const resumesTo =
    task.approvalByWorker && approval.onApproved === 'resume' ? 'pending' : 'running';
  list.push({
    type: 'TaskApproved',
    // By the table a worker's task would go to pending here and complete from there, which it cannot.
    ...(completes && resumesTo === 'pending' ? { open: ['resumesTo'] } : { data: { resumesTo } }),
  });
  if (completes) {
    const result = args['result'] === undefined ? task.keptResult : args['result'];
    list.push({ type: 'TaskCompleted', data: defined({ result }) });
  }
  return events(...list);
}

const approve: Rule = (task, sent) =>
  statusIs(task, 'waiting_for_approval')
    ? vote(task, sent, 'approve')
    : refused('INVALID_TRANSITION');

const reject: Rule = (task, { args, actor, now }) => {
  const approval = task.fold.info.approval;
  if (!statusIs(task, 'waiting_for_approval') || !approval) return refused('INVALID_TRANSITION');
  if (isLate(task, now)) return refused('INVALID_TRANSITION', 'FORBIDDEN');
  if (isStranger(task, actor)) return refused('FORBIDDEN');
  if (approval.votes.some(({ by }) => by === actor.id)) {
    return unspecified('a rejection by somebody who has approved');
  }
  if (!approval.allowSelf && approval.requestedBy === actor.id) {
    return unspecified('a rejection by the one who asked, who may not vote');
  }
  return events(
    { type: 'TaskRejected', data: { by: actor.id, reason: args['reason'] } },
    failed(task),
  );
};

const renew: Rule = (task, { args, now }) =>
  guarded(task, args, task.fold.leased && statusIs(task, 'running', 'paused'), 'needed') ??
  events({
    type: 'TaskLeaseRenewed',
    data: defined({
      leaseExpiresAt: now + ((args['leaseMs'] as number | undefined) ?? task.leaseMs),
      checkpoint: args['checkpoint'],
    }),
  });

const released = (args: Sent['args'], open: readonly string[] = []): Expected =>
  events({
    type: 'TaskReleased',
    open,
    data: defined({ checkpoint: args['checkpoint'], reason: args['reason'] }),
  });

const release: Rule = (task, { args }) =>
  guarded(task, args, task.fold.leased && statusIs(task, 'running'), 'needed') ?? released(args);

const acknowledgePause: Rule = (task, { args }) => {
  const { leased, info } = task.fold;
  if (statusIs(task, 'running') && leased) {
    return guarded(task, args, true, 'needed') ?? released(args, ['reason']);
  }
  if (statusIs(task, 'running') && args['leaseEpoch'] === undefined) {
    return unspecified('an app acknowledges a pause after it was resumed');
  }
  if (statusIs(task, 'paused') && info.pauseAcknowledged && args['leaseEpoch'] === undefined) {
    return unspecified('a pause acknowledged twice');
  }
  return (
    guarded(task, args, statusIs(task, 'paused'), 'needed') ??
    events({
      type: 'TaskPauseAcknowledged',
      data: defined({ checkpoint: args['checkpoint'] }),
    })
  );
};

const acknowledgeCancel: Rule = (task, { args }) => {
  const { info } = task.fold;
  const epoch = args['leaseEpoch'];
  if (!statusIs(task, 'cancelled', 'deleted')) {
    return epoch === undefined || (task.fold.leased && epoch === info.leaseEpoch)
      ? guarded(task, {}, false, 'operators too')!
      : refused('INVALID_TRANSITION', 'LEASE_LOST');
  }
  if (info.cancelAcknowledged !== false) {
    return unspecified('a cancellation acknowledged twice, or one that stopped nobody');
  }
  if (task.cutOff) {
    if (epoch === undefined)
      return unspecified('who acknowledges a cut-off lease without its epoch');
    if (epoch !== info.leaseEpoch) return refused('LEASE_LOST');
  } else if (epoch !== undefined) {
    return unspecified('an acknowledgement under a lease that had ended before');
  }
  if (statusIs(task, 'deleted') && !task.cutOff) {
    return unspecified('a deletion acknowledged that cut nobody off');
  }
  return events({ type: 'TaskCancelAcknowledged' });
};

/**
 * A resume leads back to pending when the task was paused there, which is not what was asked for: an app
 * that sets its task running again runs it.
 */
function resumeToRun(task: ModelTask, sent: Sent): Expected {
  const resumed = resume(task, sent);
  if (resumed.kind !== 'events' || task.fold.resumesTo !== 'pending') return resumed;
  if (task.fold.info.runBy === 'worker') return resumed;
  const attempt = task.fold.info.attempt + 1;
  return events(...resumed.events, { type: 'TaskStarted', data: { attempt } });
}

const DOOR = {
  pending: 'retry_task',
  running: 'start_task',
  paused: 'pause_task',
  waiting_for_approval: 'request_approval',
  completed: 'complete_task',
  failed: 'fail_task',
  cancelled: 'cancel_task',
  deleted: 'delete_task',
} as const;

/** The general door: the one command that leads there. */
const updateStatus: Rule = (task, sent) => {
  const { args } = sent;
  const { info, leased } = task.fold;
  const wanted = args['status'] as TaskStatus;
  const epoch = args['leaseEpoch'];
  const pass = (rule: Rule, fields: readonly string[], more: Sent['args'] = {}): Expected => {
    const kept = Object.entries(args).filter(([key]) => fields.includes(key));
    return rule(task, { ...sent, args: { ...Object.fromEntries(kept), ...more } });
  };
  if (info.status === wanted && !(wanted === 'running' && !leased)) {
    if (epoch !== undefined && !(leased && epoch === info.leaseEpoch)) {
      return unspecified('the same status under a lease that has ended');
    }
    return nothing;
  }
  const runner = ['leaseEpoch', 'workerId'];
  // What an older lease sends is refused, whatever it asks for.
  const guard = guarded(task, args, true, 'operators too');
  if (guard) {
    if (wanted === 'pending')
      return unspecified('a retry by the last worker: nobody holds a lease');
    const outcome = pass(RULES[DOOR[wanted]]!, []);
    return outcome.kind === 'refused' ? refused('LEASE_LOST', ...outcome.codes) : guard;
  }
  switch (wanted) {
    case 'running':
      return statusIs(task, 'paused') ? resumeToRun(task, sent) : pass(start, []);
    case 'paused':
      return pass(pause, ['reason']);
    case 'completed':
      return pass(complete, ['result', ...runner]);
    case 'failed': {
      const error = args['error'] ?? info.error;
      if (error === undefined) return unspecified('failed without any error');
      return pass(fail, runner, { error });
    }
    case 'cancelled':
      return pass(cancel, ['reason']);
    case 'waiting_for_approval':
      return pass(requestApproval, runner);
    case 'pending':
      return pass(retry, ['reason']);
    case 'deleted':
      return refused('VALIDATION_FAILED');
  }
};

const claim: Rule = (task, { args, now }) => {
  const { info } = task.fold;
  const fits = statusIs(task, 'pending') && info.runBy === 'worker' && (info.runAt ?? 0) <= now;
  if (!fits) return skipped;
  const leaseMs = args['leaseMs'] as number;
  return events({
    type: 'TaskStarted',
    data: {
      attempt: info.attempt + 1,
      workerId: args['workerId'],
      leaseEpoch: (info.leaseEpoch ?? 0) + 1,
      leaseExpiresAt: now + leaseMs,
      claimId: args['claimId'],
    },
  });
};

const cleanUp: Rule = (task, { args }) => {
  const { status, completedAt } = task.fold.info;
  const wanted = args['statuses'] as readonly TaskStatus[];
  const fits =
    isFinal(task) &&
    wanted.includes(status) &&
    completedAt !== undefined &&
    completedAt <= (args['completedBefore'] as number);
  return fits ? events({ type: 'TaskDeleted', open: ['reason'] }) : skipped;
};

const expireLease: Rule = (task, { args, now }) => {
  const { info, leased } = task.fold;
  const due = leased && args['leaseEpoch'] === info.leaseEpoch && now >= info.leaseExpiresAt!;
  if (!due) return nothing;
  const stall = statusIs(task, 'running') && task.leaseUsed;
  const stallCount = info.stallCount + (stall ? 1 : 0);
  const expired = {
    type: 'TaskLeaseExpired',
    data: defined({ stallCount, leaseEpoch: info.leaseEpoch, workerId: info.workerId }),
  };
  return stallCount > 3 && stall ? events(expired, failed(task)) : events(expired);
};

const expireApproval: Rule = (task, { args, now }) => {
  const approval = task.fold.info.approval;
  const due =
    statusIs(task, 'waiting_for_approval') &&
    approval?.requestedAt === args['requestedAt'] &&
    approval?.dueAt !== undefined &&
    approval.dueAt <= now;
  if (!due) return nothing;
  return events({ type: 'TaskApprovalExpired', data: { dueAt: approval.dueAt } }, failed(task));
};

const expireClock: Rule = (task, { args, now }) => {
  const clock = args['clock'] as Clock;
  if (clock === 'total' && task.totalUnknown) return unspecified('totalMs after a retry by hand');
  const due = task.running[clock];
  if (due === undefined || due !== args['dueAt'] || due > now) return nothing;
  if (statusIs(task, 'failed'))
    return unspecified('totalMs runs out between a failure and its retry');
  return events(failed(task));
};

const scheduleRetry: Rule = (task, { args }) => {
  const { info } = task.fold;
  // One attempt has two failures when it failed before it was started: the newer one counts.
  const newest = args['failedRevision'] === task.failedRevision;
  const fits = statusIs(task, 'failed') && task.willRetry && newest;
  if (!fits || info.nextRetryAt !== undefined) return nothing;
  return events({ type: 'TaskRetryScheduled', data: { attempt: info.attempt }, open: ['dueAt'] });
};

/** The earliest and latest time at which a retry may be due, by delay and backoff. */
export function retryWindow({ fold: { info } }: ModelTask, failedAt: number): [number, number] {
  const { backoff, retryDelayMs, retryCount } = info;
  const most = Math.min(
    retryDelayMs * (backoff.type === 'exponential' ? 2 ** retryCount : 1),
    backoff.maxDelayMs ?? Infinity,
  );
  return [failedAt + (backoff.type === 'fixed' ? most : 0), failedAt + most];
}

const performRetry: Rule = (task, { args, now }) => {
  const { info } = task.fold;
  const fits = statusIs(task, 'failed') && task.willRetry && args['attempt'] === info.attempt;
  if (!fits) return nothing;
  if (info.nextRetryAt === undefined) return unspecified('a retry that was never scheduled');
  return info.nextRetryAt <= now ? retried(task) : nothing;
};

/** Where the tests' notices go: every channel is an event of the one append. */
export const CHANNELS = [
  { channel: 'log', outcome: 'delivered' },
  { channel: 'chat', outcome: '500' },
];

/** When a notice may be sent, if it was not sent yet. */
export function noticeTime(task: ModelTask, kind: string): number | undefined {
  const { approval } = task.fold.info;
  if (!approval) return undefined;
  const { requestedAt, remindEveryMs, escalateTo = [], escalateAfterMs } = approval;
  switch (kind) {
    case 'requested':
      return task.announced ? undefined : requestedAt;
    case 'reminder':
      return plus(task.remindedAt ?? requestedAt, remindEveryMs);
    default:
      return task.escalated || escalateTo.length === 0
        ? undefined
        : plus(requestedAt, escalateAfterMs);
  }
}

const notifyApprovers: Rule = (task, { args, now }) => {
  const { kind } = args;
  const open =
    statusIs(task, 'waiting_for_approval') &&
    task.fold.info.approval?.requestedAt === args['requestedAt'] &&
    !isLate(task, now);
  if (!open || (noticeTime(task, kind as string) ?? Infinity) > now) return nothing;
  return events(
    ...CHANNELS.map((each) => ({ type: 'ApproversNotified', data: { kind, ...each } })),
  );
};

const RULES: Readonly<Record<string, Rule>> = {
  update_task_status: updateStatus,
  update_task_progress: updateProgress,
  update_task_error: recordError,
  update_task_data: updateData,
  start_task: start,
  pause_task: pause,
  resume_task: resume,
  cancel_task: cancel,
  delete_task: remove,
  complete_task: complete,
  fail_task: fail,
  retry_task: retry,
  request_approval: requestApproval,
  approve_task: approve,
  reject_task: reject,
  renew_lease: renew,
  release_task: release,
  acknowledge_pause: acknowledgePause,
  acknowledge_cancel: acknowledgeCancel,
  ClaimTask: claim,
  PauseRunningTask: (task, sent) => (statusIs(task, 'running') ? pause(task, sent) : skipped),
  CleanUpTask: cleanUp,
  ExpireLease: expireLease,
  ExpireApproval: expireApproval,
  ExpireClock: expireClock,
  ScheduleRetry: scheduleRetry,
  PerformRetry: performRetry,
  NotifyApprovers: notifyApprovers,
};

/** The next state. Throws where the design has no such way. */
export function evolveModel(
  before: ModelTask | undefined,
  id: string,
  fact: Fact & { readonly id: string },
): ModelTask {
  const now = fact.metadata.timestamp;
  const fold = foldFact(before?.fold, id, fact);
  if (!before) return { ...NEW, fold, running: freshClocks(fold, now) };
  assertLegal(before, fact, fold.info.status);

  const task = { ...before, fold };
  const data = fact.data as Record<string, never>;
  switch (fact.type) {
    case 'TaskStarted':
      return withClocks(
        {
          ...task,
          reported: false,
          leaseUsed: false,
          leaseMs: data['leaseExpiresAt'] === undefined ? 0 : data['leaseExpiresAt'] - now,
        },
        { queue: undefined, run: plus(now, fold.info.timeouts?.runMs) },
      );
    case 'ProgressUpdated':
      return { ...task, reported: true, leaseUsed: fold.leased };
    case 'TaskDataUpdated':
      return { ...task, leaseUsed: fold.leased };
    case 'TaskLeaseRenewed':
      return { ...task, leaseUsed: true, leaseMs: data['leaseExpiresAt']! - now };
    case 'TaskLeaseExpired':
    case 'TaskReleased':
    case 'TaskPauseAcknowledged':
      if (fold.info.status === 'pending') return toPending(task, now);
      if (!before.fold.leased) return task;
      return {
        ...task,
        left: defined({ ...task.left, run: undefined, queue: fold.info.timeouts?.queueMs }),
      };
    case 'TaskPaused': {
      const { queueMs, runMs, totalMs } = data['remaining']! as Timeouts;
      return {
        ...task,
        running: {},
        left: defined({ queue: queueMs, run: runMs, total: totalMs }),
        totalUnknown: false,
      };
    }
    case 'TaskResumed': {
      const { queueDueAt, runDueAt, totalDueAt } = data['deadlines']! as Record<string, number>;
      return {
        ...task,
        running: defined({ queue: queueDueAt, run: runDueAt, total: totalDueAt }),
        left: {},
      };
    }
    case 'TaskApprovalRequested': {
      const paused = before.fold.info.status === 'paused';
      const run = paused ? before.left.run : minus(before.running.run, now);
      const total = paused ? plus(now, before.left.total) : before.running.total;
      return {
        ...task,
        approvalByWorker: before.fold.leased,
        announced: false,
        escalated: false,
        remindedAt: undefined,
        keptResult: data['result'],
        running: defined({ total }),
        left: defined({ run }),
      };
    }
    case 'ApproversNotified':
      return {
        ...task,
        ...(fact.data['kind'] === 'requested' && { announced: true }),
        ...(fact.data['kind'] === 'reminder' && { remindedAt: now }),
        ...(fact.data['kind'] === 'escalation' && { escalated: true }),
      };
    case 'TaskApproved':
      return fold.info.status === 'pending'
        ? toPending(task, now)
        : { ...withClocks(task, { run: plus(now, before.left.run) }), left: {} };
    case 'TaskFailed': {
      const willRetryNow = data['willRetry'] === true;
      const paused = before.fold.info.status === 'paused';
      const total = paused ? plus(now, before.left.total) : before.running.total;
      return {
        ...task,
        willRetry: willRetryNow,
        failedEventId: fact.id,
        failedRevision: fold.info.revision,
        failedAt: now,
        running: willRetryNow ? defined({ total }) : {},
        left: {},
      };
    }
    case 'TaskRetried':
      return {
        ...toPending(task, now),
        willRetry: false,
        reported: false,
        totalUnknown:
          task.totalUnknown || (!before.willRetry && fold.info.timeouts?.totalMs !== undefined),
      };
    case 'TaskCompleted':
      return { ...task, running: {}, left: {} };
    case 'TaskCancelled':
      return { ...task, willRetry: false, cutOff: before.fold.leased, running: {}, left: {} };
    case 'TaskDeleted':
      return { ...task, willRetry: false, running: {}, left: {} };
    case 'TaskApprovalGiven':
      // A vote by complete_task that does not fill the quorum leaves its result.
      return data['result'] === undefined ? task : { ...task, keptResult: data['result'] };
    default:
      return task;
  }
}

const NEW = {
  leaseUsed: false,
  leaseMs: 0,
  cutOff: false,
  reported: false,
  willRetry: false,
  approvalByWorker: false,
  announced: false,
  escalated: false,
  running: {},
  left: {},
  totalUnknown: false,
};

const plus = (now: number, ms: number | undefined) => (ms === undefined ? undefined : now + ms);
const minus = (due: number | undefined, now: number) =>
  due === undefined ? undefined : Math.max(0, due - now);

const freshClocks = ({ info }: Fold, now: number): Clocks =>
  defined({ queue: plus(now, info.timeouts?.queueMs), total: plus(now, info.timeouts?.totalMs) });

function withClocks(
  task: ModelTask,
  changes: Partial<Record<Clock, number | undefined>>,
): ModelTask {
  return { ...task, running: defined({ ...task.running, ...changes }) };
}

/** Waiting to be run again: the queue's clock begins anew. */
const toPending = (task: ModelTask, now: number): ModelTask => ({
  ...withClocks(task, { run: undefined, queue: plus(now, task.fold.info.timeouts?.queueMs) }),
  left: {},
});

const ALL_BUT_DELETED: readonly TaskStatus[] = [
  'pending',
  'running',
  'paused',
  'waiting_for_approval',
  'completed',
  'failed',
  'cancelled',
];
const ACTIVE: readonly TaskStatus[] = ['pending', 'running', 'paused', 'waiting_for_approval'];

/** The design's table of events: where each may happen and where it may lead; `=` keeps the status. */
const LEGAL: Readonly<
  Record<string, { from: readonly TaskStatus[]; to: '=' | readonly TaskStatus[] }>
> = {
  TaskStarted: { from: ['pending', 'running'], to: ['running'] },
  ProgressUpdated: { from: ['running', 'paused'], to: '=' },
  TaskDataUpdated: { from: [...ACTIVE, 'failed'], to: '=' },
  TaskErrorRecorded: { from: ALL_BUT_DELETED, to: '=' },
  TaskLeaseRenewed: { from: ['running', 'paused'], to: '=' },
  TaskLeaseExpired: { from: ['running', 'paused'], to: ['pending', 'paused'] },
  TaskReleased: { from: ['running'], to: ['pending'] },
  TaskPaused: { from: ['pending', 'running'], to: ['paused'] },
  TaskPauseAcknowledged: { from: ['paused'], to: '=' },
  TaskResumed: { from: ['paused'], to: ['pending', 'running'] },
  TaskApprovalRequested: { from: ['running', 'paused'], to: ['waiting_for_approval'] },
  ApproversNotified: { from: ['waiting_for_approval'], to: '=' },
  TaskApprovalGiven: { from: ['waiting_for_approval'], to: '=' },
  TaskApproved: { from: ['waiting_for_approval'], to: ['running', 'pending'] },
  TaskRejected: { from: ['waiting_for_approval'], to: '=' },
  TaskApprovalExpired: { from: ['waiting_for_approval'], to: '=' },
  TaskCompleted: { from: ['running', 'paused'], to: ['completed'] },
  TaskFailed: { from: ACTIVE, to: ['failed'] },
  TaskRetryScheduled: { from: ['failed'], to: '=' },
  TaskRetried: { from: ['failed'], to: ['pending'] },
  TaskCancelled: { from: [...ACTIVE, 'failed'], to: ['cancelled'] },
  TaskCancelAcknowledged: { from: ['cancelled', 'deleted'], to: '=' },
  TaskDeleted: { from: ALL_BUT_DELETED, to: ['deleted'] },
};

/** Of a final task only these may follow: notes, the ways out, and what closes it. */
const AFTER_THE_END = ['TaskErrorRecorded', 'TaskRetried', 'TaskDeleted', 'TaskCancelAcknowledged'];

function assertLegal(before: ModelTask, { type }: Fact, after: TaskStatus): void {
  const { status } = before.fold.info;
  const rule = LEGAL[type];
  const leads = rule && (rule.to === '=' ? after === status : rule.to.includes(after));
  if (!rule?.from.includes(status) || !leads) {
    throw new Error(`${type} led from ${status} to ${after}: the design has no such way.`);
  }
  if (isFinal(before) && !AFTER_THE_END.includes(type)) {
    throw new Error(`${type} happened to a task that had ended (${status}).`);
  }
}
