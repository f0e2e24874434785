import type { Approval, Json, TaskInfo, Timeouts, TransitionFacts } from '@taskmanager/protocol';
import type { Deadlines } from '../events/index.js';

/** The shape of {@link Task}; raise it with every change, so that stored states of older shapes are ignored. */
export const TASK_STATE_VERSION = 2;

/** An approval as the decider needs it. */
export interface ApprovalState extends Approval {
  /** The task was leased when it was asked for: approved, it goes back to pending. */
  readonly askedByWorker: boolean;
  /** The approvers were told that it was asked. */
  readonly announced: boolean;
  /** When they were last told again. */
  readonly remindedAt?: number;
  /** The escalation approvers were told and may vote too. */
  readonly escalated: boolean;
  /** What the task completes with, should the vote complete it. */
  readonly result?: Json;
}

/** A task's state: what queries show, and what only decisions need. Plain data, safe as JSON. */
export interface Task extends Omit<TaskInfo, 'approval'> {
  readonly approval?: ApprovalState;
  /** A worker holds the task; `leaseEpoch` stays after the lease as the last one given out. */
  readonly leased: boolean;
  /** The present lease was renewed or worked under: losing it counts as a stall. */
  readonly leaseUsed: boolean;
  /** How long the present lease was given for, milliseconds: what a renewal without a length gets. */
  readonly leaseMs?: number;
  /** The claim command that the present lease answers. */
  readonly claimId?: string;
  /** The lease that a cancellation ended: its holder alone can say that it has stopped. */
  readonly cancelledEpoch?: number;
  readonly idempotencyKey?: string;
  /** Clocks that run. */
  readonly deadlines: Deadlines;
  /** What is left of clocks that stand, milliseconds: while paused or waiting for approval. */
  readonly remaining: Timeouts;
  /** What a resume leads back to; only while paused. */
  readonly statusBefore?: 'pending' | 'running';
  /** Progress was reported in this attempt: lower values say nothing new. */
  readonly progressReported: boolean;
  /** The last TaskFailed said that it will be retried by itself. */
  readonly willRetry: boolean;
  /** Of the last TaskFailed, until it is retried: which of the failures of an attempt is meant. */
  readonly failedRevision?: number;
}

export function factsOf(task: Task): TransitionFacts {
  return {
    status: task.status,
    leased: task.leased,
    pauseAcknowledged: task.pauseAcknowledged ?? false,
    retryToCome: task.willRetry,
  };
}

/** Nothing but retry_task and delete_task leads on from here. */
export function isFinal(task: Task): boolean {
  switch (task.status) {
    case 'completed':
    case 'cancelled':
    case 'deleted':
      return true;
    case 'failed':
      return !task.willRetry;
    case 'pending':
    case 'running':
    case 'paused':
    case 'waiting_for_approval':
      return false;
  }
}

/** A task as queries return it. */
export function toTaskInfo(task: Task): TaskInfo {
  /* eslint-disable @typescript-eslint/no-unused-vars -- taken out by name, so that a new field is seen here */
  const {
    approval,
    leased,
    leaseUsed,
    leaseMs,
    claimId,
    cancelledEpoch,
    idempotencyKey,
    deadlines,
    remaining,
    statusBefore,
    progressReported,
    willRetry,
    failedRevision,
    ...info
  } = task;
  if (!approval) return info;
  const { askedByWorker, announced, remindedAt, escalated, result, ...shown } = approval;
  /* eslint-enable @typescript-eslint/no-unused-vars */
  return { ...info, approval: shown };
}
