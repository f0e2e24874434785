/** Every event of a task, one file each. Adding one: its file, a line here, a row in the transition table. */
import { ApproversNotified } from './approvers-notified.event.js';
import { ProgressUpdated } from './progress-updated.event.js';
import { TaskApprovalExpired } from './task-approval-expired.event.js';
import { TaskApprovalGiven } from './task-approval-given.event.js';
import { TaskApprovalRequested } from './task-approval-requested.event.js';
import { TaskApproved } from './task-approved.event.js';
import { TaskCancelAcknowledged } from './task-cancel-acknowledged.event.js';
import { TaskCancelled } from './task-cancelled.event.js';
import { TaskCompleted } from './task-completed.event.js';
import { TaskCreated } from './task-created.event.js';
import { TaskDataUpdated } from './task-data-updated.event.js';
import { TaskDeleted } from './task-deleted.event.js';
import { TaskErrorRecorded } from './task-error-recorded.event.js';
import { TaskFailed } from './task-failed.event.js';
import { TaskLeaseExpired } from './task-lease-expired.event.js';
import { TaskLeaseRenewed } from './task-lease-renewed.event.js';
import { TaskPauseAcknowledged } from './task-pause-acknowledged.event.js';
import { TaskPaused } from './task-paused.event.js';
import { TaskRejected } from './task-rejected.event.js';
import { TaskReleased } from './task-released.event.js';
import { TaskResumed } from './task-resumed.event.js';
import { TaskRetried } from './task-retried.event.js';
import { TaskRetryScheduled } from './task-retry-scheduled.event.js';
import { TaskStarted } from './task-started.event.js';

export * from './approvers-notified.event.js';
export * from './progress-updated.event.js';
export * from './task-approval-expired.event.js';
export * from './task-approval-given.event.js';
export * from './task-approval-requested.event.js';
export * from './task-approved.event.js';
export * from './task-cancel-acknowledged.event.js';
export * from './task-cancelled.event.js';
export * from './task-completed.event.js';
export * from './task-created.event.js';
export * from './task-data-updated.event.js';
export * from './task-deleted.event.js';
export * from './task-error-recorded.event.js';
export * from './task-failed.event.js';
export * from './task-lease-expired.event.js';
export * from './task-lease-renewed.event.js';
export * from './task-pause-acknowledged.event.js';
export * from './task-paused.event.js';
export * from './task-rejected.event.js';
export * from './task-released.event.js';
export * from './task-resumed.event.js';
export * from './task-retried.event.js';
export * from './task-retry-scheduled.event.js';
export * from './task-started.event.js';

/** In the order of DESIGN §3. */
export const TASK_EVENT_CLASSES = [
  TaskCreated,
  TaskStarted,
  ProgressUpdated,
  TaskDataUpdated,
  TaskErrorRecorded,
  TaskLeaseRenewed,
  TaskLeaseExpired,
  TaskReleased,
  TaskPaused,
  TaskPauseAcknowledged,
  TaskResumed,
  TaskApprovalRequested,
  ApproversNotified,
  TaskApprovalGiven,
  TaskApproved,
  TaskRejected,
  TaskApprovalExpired,
  TaskCompleted,
  TaskFailed,
  TaskRetryScheduled,
  TaskRetried,
  TaskCancelled,
  TaskCancelAcknowledged,
  TaskDeleted,
] as const;

export type AnyTaskEvent = InstanceType<(typeof TASK_EVENT_CLASSES)[number]>;
