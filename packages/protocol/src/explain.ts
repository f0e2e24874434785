import type { TaskStatus } from './task-status.js';

/** Why a task stands where it stands; programs branch on these, people read the text beside them. */
export const REASON_CODES = [
  // pending
  'waits_for_app',
  'run_at',
  'type_paused',
  'type_full',
  'no_worker',
  'waits_for_worker',
  // running
  'leased',
  'lease_over',
  'run_by_app',
  // paused
  'paused',
  'pause_not_acknowledged',
  // waiting for approval
  'waits_for_approval',
  'approval_due',
  'approval_reminder',
  'approval_escalation',
  // failed
  'retry_due',
  'retry_not_scheduled',
  'failed',
  // over
  'completed',
  'cancelled',
  'cancel_not_acknowledged',
  // in any state
  'clock',
  'timer_overdue',
  'parked_event',
  'processor_paused',
  'processor_failing',
  'no_owner',
  'projection_behind',
  // brought here from another service
  'imported',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

export interface Reason {
  readonly code: ReasonCode;
  /** A sentence or two for people: what stands in the way, and what to do where something can be done. */
  readonly text: string;
  /** When time will change it, epoch milliseconds. */
  readonly until?: number;
  /** Who or what it depends on: an actor, a worker, a processor. */
  readonly by?: string;
}

/** What explain_task answers: the nearest reason first. */
export interface ExplainAnswer {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly reasons: readonly Reason[];
}

/** A task that time or a processor should have moved and has not. */
export interface StuckTask {
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  readonly status: TaskStatus;
  /** The timer that is overdue (`retry`, `lease`, `total`, …), or `parked_event`. */
  readonly kind: string;
  /** When it was due, or when the event was parked, epoch milliseconds. */
  readonly dueAt: number;
  readonly overdueMs: number;
  readonly reasons: readonly Reason[];
}

export interface StuckTasksPage {
  readonly tasks: readonly StuckTask[];
  readonly nextCursor?: string;
}
