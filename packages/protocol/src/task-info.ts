import type { Actor } from './actor.js';
import type { TaskStatus } from './task-status.js';

/** Any JSON value. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A task's id: a UUID in lower case, one spelling for one task, for its stream is named by this text. */
export const TASK_ID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `app`: the creator drives the task itself. `worker`: a process claims it under a lease. */
export type RunBy = 'app' | 'worker';
export const RUN_BY: readonly RunBy[] = ['app', 'worker'];

/** `exponential` doubles from retryDelayMs with full jitter; neither passes maxDelayMs. */
export interface Backoff {
  readonly type: 'fixed' | 'exponential';
  /** Milliseconds. */
  readonly maxDelayMs?: number;
}

/** Milliseconds that a task may spend pending, running (anew each attempt), and in all but paused and final. */
export interface Timeouts {
  readonly queueMs?: number;
  readonly runMs?: number;
  readonly totalMs?: number;
}

export type OnApproved = 'resume' | 'complete';

export interface ApprovalVote {
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly comment?: string;
}

/** The newest approval request of a task and what became of it. */
export interface Approval {
  readonly requestedBy: string;
  readonly requestedAt: number;
  /** Actor ids or `role:<name>`; empty means anyone. */
  readonly approvers: readonly string[];
  readonly quorum: number;
  /** Whether the one who asked may vote. */
  readonly allowSelf: boolean;
  readonly dueAt?: number;
  readonly remindEveryMs?: number;
  readonly escalateTo?: readonly string[];
  readonly escalateAfterMs?: number;
  readonly onApproved: OnApproved;
  readonly comment?: string;
  readonly votes: readonly ApprovalVote[];
  readonly outcome: 'waiting' | 'approved' | 'rejected' | 'expired' | 'withdrawn';
  readonly rejectedBy?: string;
  readonly rejectedReason?: string;
}

/** A task as every query returns it. Times are epoch milliseconds. */
export interface TaskInfo {
  readonly id: string;
  readonly name: string;
  readonly taskType: string;
  readonly appName: string;
  readonly runBy: RunBy;
  readonly status: TaskStatus;
  /** Percent, 0 to 100. */
  readonly progress: number;
  readonly completedItems?: number;
  readonly totalItems?: number;
  readonly message?: string;
  readonly data?: Json;
  readonly input?: Json;
  readonly result?: Json;
  readonly error?: string;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly retryDelayMs: number;
  readonly backoff: Backoff;
  readonly nextRetryAt?: number;
  readonly persistent: boolean;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly runAt?: number;
  readonly timeouts?: Timeouts;
  readonly workerId?: string;
  /** 0 until first started. */
  readonly attempt: number;
  readonly leaseEpoch?: number;
  readonly leaseExpiresAt?: number;
  readonly stallCount: number;
  readonly pausedAt?: number;
  readonly pauseAcknowledged?: boolean;
  readonly checkpoint?: Json;
  readonly approval?: Approval;
  readonly cancelAcknowledged?: boolean;
  readonly createdBy: Actor;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly startedAt?: number;
  readonly completedAt?: number;
  readonly revision: number;
  /** It was brought here from another service, and is read-only. `at`: epoch milliseconds. */
  readonly imported?: { readonly fromLog: string; readonly by: string; readonly at: number };
}

export interface TaskHandle {
  readonly taskId: string;
  readonly taskType: string;
  readonly status: TaskStatus;
}
