/** Where a task stands. `deleted` is a tombstone: no query returns it, only the history shows it. */
export const TaskStatus = {
  Pending: 'pending',
  Running: 'running',
  Paused: 'paused',
  WaitingForApproval: 'waiting_for_approval',
  Completed: 'completed',
  Failed: 'failed',
  Cancelled: 'cancelled',
  Deleted: 'deleted',
} as const;

export type TaskStatus = (typeof TaskStatus)[keyof typeof TaskStatus];

export const TASK_STATUSES: readonly TaskStatus[] = Object.values(TaskStatus);

/** Every status a query can return: all but `deleted`. */
export const VISIBLE_STATUSES: readonly TaskStatus[] = TASK_STATUSES.filter(
  (status) => status !== TaskStatus.Deleted,
);

/** No command but retry_task and delete_task leaves these; `failed` is final too when no retry will come. */
export const FINAL_STATUSES: readonly TaskStatus[] = [
  TaskStatus.Completed,
  TaskStatus.Cancelled,
  TaskStatus.Deleted,
];

/** Task types name the kind of work: they are tokens of NATS subjects too. */
export const TASK_TYPE_PATTERN = /^[a-z][a-z0-9_]{0,63}$/;
