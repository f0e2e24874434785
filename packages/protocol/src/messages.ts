/** Command messages: subject `tasks.command.<name>`. */
export const COMMAND_NAMES = [
  'create_task',
  'batch',
  'update_task_status',
  'update_task_progress',
  'update_task_error',
  'update_task_data',
  'start_task',
  'pause_task',
  'resume_task',
  'cancel_task',
  'delete_task',
  'complete_task',
  'fail_task',
  'retry_task',
  'request_approval',
  'approve_task',
  'reject_task',
  'claim_tasks',
  'renew_lease',
  'release_task',
  'acknowledge_pause',
  'acknowledge_cancel',
  'pause_all_running_tasks',
  'cleanup_tasks',
  'resume_last_paused_task',
  'clone_repository_task',
  'index_repository_task',
  'import_files_task',
] as const;

/** Query messages: subject `tasks.query.<name>`. */
export const QUERY_NAMES = [
  'get_task',
  'list_tasks',
  'load_persistent_tasks',
  'load_retryable_tasks',
  'get_task_history',
  'read_events',
  'explain_task',
  'task_stats',
  'list_workers',
  'search_repository',
  'get_task_at',
  'diff_task',
  'query_audit',
  'verify_history',
  'export_task',
] as const;

/** Messages that operate the service itself: subject `tasks.admin.<name>`. */
export const ADMIN_NAMES = [
  'list_processors',
  'pause_processor',
  'resume_processor',
  'list_parked_events',
  'retry_parked_events',
  'discard_parked_events',
  'list_endpoints',
  'list_stuck_tasks',
  'pause_task_type',
  'resume_task_type',
  'limit_task_type',
  'list_task_types',
  'get_job',
  'list_jobs',
  'abort_job',
  'verify_history',
  'seal_history',
  'rebuild_projection',
  'verify_projection',
  'drop_projection_builds',
  'dry_run_projection',
  'dry_run_policy',
  'backup',
  'import_task',
  'log_stats',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];
export type QueryName = (typeof QUERY_NAMES)[number];
export type AdminName = (typeof ADMIN_NAMES)[number];

export const commandSubject = (name: CommandName): string => `tasks.command.${name}`;
export const querySubject = (name: QueryName): string => `tasks.query.${name}`;
export const adminSubject = (name: AdminName): string => `tasks.admin.${name}`;

/** Where events are published on NATS, for programs that live there. */
export const eventSubject = (feedName: string, taskType: string, taskId: string): string =>
  `tasks.event.${feedName}.${taskType}.${taskId}`;
