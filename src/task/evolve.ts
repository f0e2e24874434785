import type { AnyTaskEvent, ApproversNotified, EventMetadata } from '../events/index.js';
import { pendingDeadlines, runningDeadlines, totalDeadline } from './clocks.js';
import type { ApprovalState, Task } from './task.js';

/** What `evolve` needs of an event beside its data. */
export interface Occurrence {
  readonly taskId: string;
  readonly revision: number;
  readonly event: AnyTaskEvent;
  readonly metadata: Pick<EventMetadata, 'timestamp' | 'actor'>;
}

/** Folds one event into a task's state. Pure and total: it never refuses, for events are facts. */
export function evolve(task: Task | undefined, occurrence: Occurrence): Task {
  const { event, metadata, revision } = occurrence;
  if (event.type === 'TaskCreated') return created(occurrence, event.data);
  if (!task) throw new Error(`Stream of task ${occurrence.taskId} starts with ${event.type}.`);
  return {
    ...task,
    ...changes(task, event, metadata.timestamp, metadata.actor.id, revision),
    revision,
    updatedAt: metadata.timestamp,
  };
}

function created(
  { taskId, revision, metadata }: Occurrence,
  data: Extract<AnyTaskEvent, { type: 'TaskCreated' }>['data'],
): Task {
  const at = metadata.timestamp;
  const { timeouts } = data;
  return {
    id: taskId,
    status: 'pending',
    progress: 0,
    retryCount: 0,
    attempt: 0,
    stallCount: 0,
    createdBy: metadata.actor,
    createdAt: at,
    updatedAt: at,
    revision,
    leased: false,
    leaseUsed: false,
    deadlines: {
      ...(timeouts?.queueMs !== undefined && { queueDueAt: at + timeouts.queueMs }),
      ...(timeouts?.totalMs !== undefined && { totalDueAt: at + timeouts.totalMs }),
    },
    remaining: {},
    progressReported: false,
    willRetry: false,
    // Last, for speed: V8 takes many times as long to add these names to a copy as to copy into them.
    ...data,
  };
}

type Changes = Partial<Task>;

const LEASE_ENDS = {
  leased: false,
  leaseUsed: false,
  leaseMs: undefined,
  leaseExpiresAt: undefined,
} satisfies Changes;

/** No pause is on: what one leaves behind is cleared. */
const NO_PAUSE = {
  pausedAt: undefined,
  pauseAcknowledged: undefined,
  statusBefore: undefined,
} satisfies Changes;

/** Every clock stands and nothing waits any more. */
const ENDS = { ...LEASE_ENDS, ...NO_PAUSE, deadlines: {}, remaining: {} } satisfies Changes;

/** What a question that is still open becomes when the task ends in another way. */
function closed(approval: ApprovalState | undefined): Changes {
  return approval?.outcome === 'waiting' ? { approval: { ...approval, outcome: 'withdrawn' } } : {};
}

/** One notice may have gone to several channels, each an event of its own at the same time. */
function notified(kind: ApproversNotified['data']['kind'], at: number): Partial<ApprovalState> {
  switch (kind) {
    case 'requested':
      return { announced: true };
    case 'reminder':
      return { remindedAt: at };
    case 'escalation':
      return { escalated: true };
  }
}

function changes(
  task: Task,
  event: Exclude<AnyTaskEvent, { type: 'TaskCreated' }>,
  at: number,
  actorId: string,
  revision: number,
): Changes {
  switch (event.type) {
    case 'TaskStarted': {
      const { attempt, workerId, leaseEpoch, leaseExpiresAt, claimId } = event.data;
      return {
        status: 'running',
        attempt,
        workerId,
        leaseEpoch: leaseEpoch ?? task.leaseEpoch,
        leaseExpiresAt,
        leased: leaseExpiresAt !== undefined,
        leaseMs: leaseExpiresAt === undefined ? undefined : leaseExpiresAt - at,
        leaseUsed: false,
        claimId,
        startedAt: at,
        deadlines: runningDeadlines(task, at),
        progressReported: false,
      };
    }
    case 'ProgressUpdated': {
      const { progress, completedItems, totalItems, message, leaseExpiresAt } = event.data;
      return {
        progress,
        completedItems: completedItems ?? task.completedItems,
        totalItems: totalItems ?? task.totalItems,
        message: message ?? task.message,
        progressReported: true,
        leaseUsed: task.leased,
        leaseExpiresAt: leaseExpiresAt ?? task.leaseExpiresAt,
      };
    }
    case 'TaskDataUpdated':
      return { data: event.data.data, leaseUsed: task.leased };
    case 'TaskErrorRecorded':
      return { error: event.data.error };
    case 'TaskLeaseRenewed': {
      // A default stands in for what is missing only: null is a checkpoint too.
      const { leaseExpiresAt, checkpoint = task.checkpoint } = event.data;
      return {
        leaseExpiresAt,
        leaseMs: leaseExpiresAt - at,
        leaseUsed: true,
        checkpoint,
      };
    }
    case 'TaskLeaseExpired': {
      const { stallCount } = event.data;
      if (task.status === 'paused') {
        return { ...LEASE_ENDS, stallCount, statusBefore: 'pending', pauseAcknowledged: true };
      }
      return { ...toPending(task, at), stallCount };
    }
    case 'TaskReleased': {
      const { checkpoint = task.checkpoint } = event.data;
      return { ...toPending(task, at), checkpoint };
    }
    case 'TaskPaused': {
      const { statusBefore, remaining } = event.data;
      return {
        status: 'paused',
        pausedAt: at,
        // Nobody runs a pending task, so nobody is left to acknowledge.
        pauseAcknowledged: statusBefore === 'pending',
        statusBefore,
        remaining,
        deadlines: {},
      };
    }
    case 'TaskPauseAcknowledged': {
      const { checkpoint = task.checkpoint } = event.data;
      return task.leased
        ? { ...LEASE_ENDS, pauseAcknowledged: true, checkpoint, statusBefore: 'pending' }
        : { pauseAcknowledged: true, checkpoint };
    }
    case 'TaskResumed': {
      const { deadlines } = event.data;
      const resumed = { ...NO_PAUSE, deadlines, remaining: {} };
      return task.statusBefore === 'running'
        ? { ...resumed, status: 'running' }
        : { ...toPending(task, at), ...resumed };
    }
    case 'TaskApprovalRequested': {
      const { result, ...request } = event.data;
      const { runDueAt } = task.deadlines;
      const runMs = runDueAt === undefined ? task.remaining.runMs : Math.max(0, runDueAt - at);
      return {
        ...LEASE_ENDS,
        ...NO_PAUSE,
        status: 'waiting_for_approval',
        // Waiting is no pause: the total goes on.
        deadlines: totalDeadline(task, at),
        remaining: runMs === undefined ? {} : { runMs },
        approval: {
          ...request,
          ...(result !== undefined && { result }),
          requestedBy: actorId,
          requestedAt: at,
          votes: [],
          outcome: 'waiting',
          askedByWorker: task.leased,
          announced: false,
          escalated: false,
        },
      };
    }
    case 'ApproversNotified':
      return task.approval
        ? { approval: { ...task.approval, ...notified(event.data.kind, at) } }
        : {};
    case 'TaskApprovalGiven': {
      const { by, comment, result } = event.data;
      if (!task.approval) return {};
      const vote = comment === undefined ? { by, at } : { by, at, comment };
      const votes = [...task.approval.votes, vote];
      return { approval: { ...task.approval, votes, ...(result !== undefined && { result }) } };
    }
    case 'TaskApproved': {
      const approval = task.approval && { ...task.approval, outcome: 'approved' as const };
      return event.data.resumesTo === 'pending'
        ? { ...toPending(task, at), approval }
        : {
            status: 'running',
            approval,
            deadlines: runningDeadlines(task, at, task.remaining.runMs),
            remaining: {},
          };
    }
    case 'TaskRejected': {
      const { by, reason } = event.data;
      return {
        approval: task.approval && {
          ...task.approval,
          outcome: 'rejected',
          rejectedBy: by,
          rejectedReason: reason,
        },
      };
    }
    case 'TaskApprovalExpired':
      return { approval: task.approval && { ...task.approval, outcome: 'expired' } };
    case 'TaskCompleted':
      return {
        ...ENDS,
        status: 'completed',
        progress: 100,
        result: event.data.result,
        completedAt: at,
      };
    case 'TaskFailed': {
      const { error, willRetry } = event.data;
      return {
        ...ENDS,
        ...closed(task.approval),
        status: 'failed',
        error,
        willRetry,
        failedRevision: revision,
        nextRetryAt: undefined,
        // With a retry to come the task is not over, so its total goes on.
        deadlines: willRetry ? totalDeadline(task, at) : {},
        completedAt: willRetry ? undefined : at,
      };
    }
    case 'TaskRetryScheduled':
      return { nextRetryAt: event.data.dueAt };
    case 'TaskRetried': {
      const { totalMs } = task.timeouts ?? {};
      // Retried by hand after it was over, the task gets its whole time again.
      const totalDueAt =
        task.deadlines.totalDueAt ?? (totalMs === undefined ? undefined : at + totalMs);
      return {
        status: 'pending',
        retryCount: event.data.retryCount,
        stallCount: 0,
        error: undefined,
        progress: 0,
        completedItems: undefined,
        totalItems: undefined,
        message: undefined,
        willRetry: false,
        failedRevision: undefined,
        nextRetryAt: undefined,
        completedAt: undefined,
        workerId: undefined,
        claimId: undefined,
        deadlines: pendingDeadlines(
          { timeouts: task.timeouts, deadlines: totalDueAt === undefined ? {} : { totalDueAt } },
          at,
        ),
      };
    }
    case 'TaskCancelled':
      return {
        ...ENDS,
        ...closed(task.approval),
        status: 'cancelled',
        willRetry: false,
        nextRetryAt: undefined,
        cancelAcknowledged: hasRunner(task) ? false : undefined,
        cancelledEpoch: task.leased ? task.leaseEpoch : undefined,
        completedAt: at,
      };
    case 'TaskCancelAcknowledged':
      return { cancelAcknowledged: true };
    case 'TaskDeleted':
      return { ...ENDS, status: 'deleted' };
  }
}

/** Back in the queue, without a runner. */
function toPending(task: Task, at: number): Changes {
  return {
    ...LEASE_ENDS,
    status: 'pending',
    workerId: undefined,
    claimId: undefined,
    deadlines: pendingDeadlines(task, at),
    remaining: {},
  };
}

/** Somebody may still be at work on it and should say when it has stopped. */
function hasRunner(task: Task): boolean {
  return task.status === 'running' || (task.status === 'paused' && !task.pauseAcknowledged);
}
