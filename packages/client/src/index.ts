/** What a program installs to create, drive, watch and query tasks. */
export {
  type Actor,
  type Approval,
  type AuditEvent,
  type AuditFilter,
  type AuditPage,
  type AuditRequest,
  type BackupReport,
  type CommandAnswer,
  type CommandName,
  type Difference,
  type DroppedBuilds,
  type DryRunReport,
  type EndpointList,
  type ErrorCode,
  type ExplainAnswer,
  type FeedEvent,
  type FeedPage,
  type FoldFailure,
  type HistoryEvent,
  type HistoryPage,
  type HistoryProblem,
  type HistoryReport,
  type HistorySeal,
  type HistoryVerdict,
  type ImportAnswer,
  JOB_STATES,
  type JobAnswer,
  type JobInfo,
  type JobKind,
  type JobProgress,
  type JobsPage,
  type JobState,
  type Json,
  type LogStats,
  type ParkedEventInfo,
  type ParkedEventsPage,
  type PauseAllAnswer,
  type PolicyChange,
  type PolicyReport,
  type ProcessorInfo,
  type ProcessorsAnswer,
  type ProjectionReport,
  type QueryName,
  type Reason,
  type ReasonCode,
  type RebuildReport,
  type ReleaseParkedAnswer,
  type RetryDecision,
  type StatsAnswer,
  type StuckTask,
  type StuckTasksPage,
  TASK_SORTS,
  type TaskChange,
  type TaskDiff,
  type TaskInfo,
  type TaskListFilter,
  type TaskPage,
  type TaskPoint,
  type TaskSort,
  TaskStatus,
  type TaskTypeAnswer,
  type TaskTypeInfo,
  type TaskTypesPage,
  VISIBLE_STATUSES,
  type WorkerInfo,
  type WorkersPage,
} from '@taskmanager/protocol';
export { AdminCalls, type JobResults } from './admin-calls.js';
export type { ExportFooter, ExportHeader } from './exported-task/exported-lines.js';
export type { FeedFilter } from './feed/follow.js';
export { type ClientErrorCode, TaskManagerError } from './errors.js';
export type {
  TaskEventListener,
  TaskEventName,
  TaskListener,
  TaskListenerData,
  TaskListenerEvent,
} from './feed/task-listener.js';
export type {
  CommandOptions,
  ConnectOptions,
  NatsConnectOptions,
  QueryOptions,
  TcpConnectOptions,
} from './options.js';
export type { CreateTaskOptions } from './task-calls.js';
export { type ProgressOptions, type RemoveListener, TaskManager } from './task-manager.js';
export type {
  TaskCallback,
  TaskCancelledPayload,
  TaskCompletedPayload,
  TaskFailedPayload,
  TaskProgressPayload,
  TaskRetryPayload,
} from './task-payloads.js';
export { type NewTaskOptions, TaskService, type TaskServiceOptions } from './task-service.js';
export type { NatsCredentials } from './transport/nats.transport.js';
export type { HandlerOptions, TaskWorkerOptions } from './worker/worker-options.js';
export type { WorkerClient } from './worker/insist.js';
export { TaskWorker } from './worker/task-worker.js';
export type { ProgressValue, RunningTask, TaskHandler, TaskLog } from './worker/running-task.js';
export { PermanentTaskError, type StopKind, TaskStopped } from './worker/task-stopped.js';
