import type { RequestMeta } from './actor.js';
import type { AuditRequest } from './audit.js';
import type { ImportTaskRequest } from './exported-task.js';
import type { JobState } from './jobs.js';
import type { HistorySeal } from './proof.js';
import type { DiffRequest, TaskPoint } from './time-travel.js';
import type { Backoff, Json, OnApproved, RunBy, Timeouts } from './task-info.js';
import type { TaskStatus } from './task-status.js';
import type { SearchRepositoryRequest } from './search.js';
import type {
  CloneRepositoryInput,
  ImportFilesInput,
  IndexRepositoryInput,
} from './work-inputs.js';

/** The fields of each message, beside `meta`. Ids are UUIDs, times epoch milliseconds, durations milliseconds. */
export interface TaskRequest {
  readonly id: string;
}

/** What every message that makes a task may say about it. */
export interface NewTaskRequest {
  readonly id?: string;
  readonly data?: Json;
  readonly maxRetries?: number;
  readonly retryDelayMs?: number;
  readonly backoff?: Backoff;
  readonly priority?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly timeouts?: Timeouts;
  readonly runAt?: number;
  readonly idempotencyKey?: string;
}

export interface CreateTaskRequest extends NewTaskRequest {
  readonly name: string;
  readonly taskType: string;
  readonly appName: string;
  readonly runBy?: RunBy;
  readonly input?: Json;
  readonly persistent?: boolean;
}

/** A task of a type that comes with TaskManager; `appName` is `taskmanager` when left out. */
export interface WorkTaskRequest extends NewTaskRequest {
  readonly appName?: string;
}

/** Who sends it about a leased task: the lease it believes to hold. */
export interface LeaseFields {
  readonly workerId?: string;
  readonly leaseEpoch?: number;
}

export interface UpdateStatusRequest extends TaskRequest, LeaseFields {
  readonly status: TaskStatus;
  readonly error?: string;
  readonly result?: Json;
  readonly reason?: string;
}

export interface UpdateProgressRequest extends TaskRequest, LeaseFields {
  readonly completedItems?: number;
  readonly totalItems?: number;
  readonly progress?: number;
  readonly message?: string;
}

export interface RequestApprovalRequest extends TaskRequest, LeaseFields {
  readonly approvers?: readonly string[];
  readonly quorum?: number;
  readonly allowSelf?: boolean;
  readonly dueAt?: number;
  readonly remindEveryMs?: number;
  readonly escalateTo?: readonly string[];
  readonly escalateAfterMs?: number;
  readonly onApproved?: OnApproved;
  readonly result?: Json;
  readonly comment?: string;
}

export interface CommandRequests {
  create_task: CreateTaskRequest;
  batch: { readonly commands: readonly BatchItem[] };
  update_task_status: UpdateStatusRequest;
  update_task_progress: UpdateProgressRequest;
  update_task_error: TaskRequest & LeaseFields & { readonly error: string };
  update_task_data: TaskRequest & LeaseFields & { readonly data: Json };
  start_task: TaskRequest & {
    readonly reason?: string;
    readonly workerId?: string;
    readonly leaseMs?: number;
  };
  pause_task: TaskRequest & { readonly reason?: string };
  resume_task: TaskRequest & { readonly reason?: string };
  cancel_task: TaskRequest & { readonly reason?: string };
  delete_task: TaskRequest & { readonly reason?: string };
  complete_task: TaskRequest & LeaseFields & { readonly result?: Json };
  fail_task: TaskRequest & LeaseFields & { readonly error: string; readonly retryable?: boolean };
  retry_task: TaskRequest & { readonly reason?: string; readonly force?: boolean };
  request_approval: RequestApprovalRequest;
  approve_task: TaskRequest & { readonly comment?: string };
  reject_task: TaskRequest & { readonly reason: string };
  claim_tasks: {
    readonly workerId: string;
    readonly taskTypes: readonly string[];
    readonly leaseMs?: number;
    readonly limit?: number;
    readonly waitMs?: number;
  };
  renew_lease: TaskRequest &
    LeaseFields & { readonly leaseMs?: number; readonly checkpoint?: Json };
  release_task: TaskRequest &
    LeaseFields & { readonly checkpoint?: Json; readonly reason?: string };
  acknowledge_pause: TaskRequest & LeaseFields & { readonly checkpoint?: Json };
  acknowledge_cancel: TaskRequest & LeaseFields;
  pause_all_running_tasks: {
    readonly appName?: string;
    readonly taskType?: string;
    readonly reason?: string;
  };
  cleanup_tasks: {
    readonly maxAgeMs?: number;
    readonly statuses?: readonly TaskStatus[];
    readonly appName?: string;
  };
  resume_last_paused_task: { readonly appName?: string };
  clone_repository_task: WorkTaskRequest & CloneRepositoryInput;
  index_repository_task: WorkTaskRequest & IndexRepositoryInput;
  import_files_task: WorkTaskRequest & ImportFilesInput;
}

/** One command of a batch: each is about one task and is decided by itself. */
export interface BatchItem {
  readonly command: string;
  readonly args: object;
  readonly meta?: RequestMeta;
}

export interface TaskListFilter {
  readonly statuses?: readonly TaskStatus[];
  readonly taskTypes?: readonly string[];
  readonly appName?: string;
  readonly runBy?: RunBy;
  readonly persistent?: boolean;
  /** All must match. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Three characters or more, anywhere in the name or the error. */
  readonly text?: string;
  readonly createdFrom?: number;
  readonly createdTo?: number;
  readonly updatedFrom?: number;
  readonly updatedTo?: number;
  /** An actor id or `role:<name>`. */
  readonly awaitingApprovalBy?: string;
  readonly sort?: TaskSort;
  readonly order?: 'asc' | 'desc';
  readonly limit?: number;
  readonly cursor?: string;
}

export const TASK_SORTS = ['createdAt', 'updatedAt', 'priority', 'name'] as const;
export type TaskSort = (typeof TASK_SORTS)[number];

export interface LoadTasksRequest {
  readonly taskTypes?: readonly string[];
  readonly appName?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export interface QueryRequests {
  get_task: TaskRequest;
  list_tasks: TaskListFilter;
  load_persistent_tasks: LoadTasksRequest;
  load_retryable_tasks: LoadTasksRequest;
  get_task_history: TaskRequest & {
    readonly fromRevision?: number;
    readonly limit?: number;
    readonly direction?: 'forwards' | 'backwards';
  };
  read_events: {
    readonly from?: string;
    readonly taskIds?: readonly string[];
    readonly taskTypes?: readonly string[];
    readonly appName?: string;
    readonly events?: readonly string[];
    readonly limit?: number;
    readonly waitMs?: number;
  };
  explain_task: TaskRequest;
  task_stats: { readonly taskTypes?: readonly string[]; readonly appName?: string };
  list_workers: {
    readonly taskTypes?: readonly string[];
    readonly limit?: number;
    readonly cursor?: string;
  };
  search_repository: SearchRepositoryRequest;
  get_task_at: TaskRequest & TaskPoint;
  diff_task: DiffRequest;
  query_audit: AuditRequest;
  verify_history: TaskRequest;
  export_task: TaskRequest & { readonly limit?: number; readonly cursor?: string };
}

type Nothing = Readonly<Record<string, never>>;

/** The name of a processor is as list_processors answers it, e.g. `retry` or `webhook:billing`. */
export interface AdminRequests {
  list_processors: Nothing;
  pause_processor: { readonly name: string; readonly reason?: string };
  resume_processor: { readonly name: string };
  list_parked_events: {
    readonly processor?: string;
    readonly limit?: number;
    readonly cursor?: string;
  };
  /** Without a task: all that the processor has parked. */
  retry_parked_events: { readonly processor: string; readonly taskId?: string };
  discard_parked_events: {
    readonly processor: string;
    readonly taskId: string;
    /** Only if it is still this one that is parked. */
    readonly eventId?: string;
    readonly reason?: string;
  };
  list_endpoints: Nothing;
  /** Those overdue by more than graceMs (10,000 when left out). */
  list_stuck_tasks: {
    readonly graceMs?: number;
    readonly limit?: number;
    readonly cursor?: string;
  };
  pause_task_type: { readonly taskType: string; readonly reason?: string };
  resume_task_type: { readonly taskType: string; readonly reason?: string };
  /** null: no limit. */
  limit_task_type: {
    readonly taskType: string;
    readonly maxRunning: number | null;
    readonly reason?: string;
  };
  list_task_types: {
    readonly taskTypes?: readonly string[];
    readonly limit?: number;
    readonly cursor?: string;
  };
  get_job: { readonly jobId: string };
  list_jobs: {
    readonly states?: readonly JobState[];
    readonly limit?: number;
    readonly cursor?: string;
  };
  abort_job: { readonly jobId: string; readonly reason?: string };
  /** One task, or the whole log. */
  verify_history: { readonly id?: string; readonly seal?: HistorySeal };
  seal_history: Nothing;
  /** `keepOld` (true): the build that serves now stays until it is dropped. */
  rebuild_projection: { readonly projection: string; readonly keepOld?: boolean };
  verify_projection: { readonly projection: string };
  drop_projection_builds: { readonly projection: string };
  /** Positions: strictly after `from`, up to `to`; the whole log when left out. */
  dry_run_projection: {
    readonly projection: string;
    readonly from?: string;
    readonly to?: string;
  };
  /** What is given stands in for what the tasks were created with. */
  dry_run_policy: {
    readonly taskTypes?: readonly string[];
    readonly maxRetries?: number;
    readonly retryDelayMs?: number;
    readonly backoff?: Backoff;
  };
  /** A name for the folder in BACKUP_DIR; the time when left out. */
  backup: { readonly name?: string };
  import_task: ImportTaskRequest;
  log_stats: Nothing;
}
