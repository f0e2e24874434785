import type {
  AuditPage,
  BatchAnswer,
  ClaimAnswer,
  CleanupAnswer,
  CommandAnswer,
  CommandName,
  ExplainAnswer,
  ExportPage,
  FeedPage,
  HistoryPage,
  HistoryVerdict,
  PauseAllAnswer,
  QueryName,
  SearchAnswer,
  StatsAnswer,
  TaskDiff,
  TaskInfo,
  TaskPage,
  WorkersPage,
} from '@taskmanager/protocol';

/** Commands that answer something else than one task's CommandAnswer. */
interface OtherAnswers {
  batch: BatchAnswer;
  claim_tasks: ClaimAnswer;
  pause_all_running_tasks: PauseAllAnswer;
  cleanup_tasks: CleanupAnswer;
  resume_last_paused_task: CommandAnswer | null;
}

export type AnswerOfCommand<N extends CommandName> = N extends keyof OtherAnswers
  ? OtherAnswers[N]
  : CommandAnswer;

interface QueryAnswers {
  get_task: TaskInfo;
  list_tasks: TaskPage;
  load_persistent_tasks: TaskPage;
  load_retryable_tasks: TaskPage;
  get_task_history: HistoryPage;
  read_events: FeedPage;
  explain_task: ExplainAnswer;
  task_stats: StatsAnswer;
  list_workers: WorkersPage;
  search_repository: SearchAnswer;
  get_task_at: TaskInfo;
  diff_task: TaskDiff;
  query_audit: AuditPage;
  verify_history: HistoryVerdict;
  export_task: ExportPage;
}

export type AnswerOfQuery<N extends QueryName> = QueryAnswers[N];
