import type {
  AdminName,
  AdminRequests,
  BackupReport,
  DroppedBuilds,
  DryRunReport,
  EndpointList,
  HistoryReport,
  HistorySeal,
  ImportAnswer,
  JobAnswer,
  JobInfo,
  JobsPage,
  LogStats,
  ParkedEventsPage,
  PauseProcessorAnswer,
  PolicyReport,
  ProcessorsAnswer,
  ProjectionReport,
  RebuildReport,
  ReleaseParkedAnswer,
  StuckTasksPage,
  TaskTypeAnswer,
  TaskTypesPage,
} from '@taskmanager/protocol';
import { type CommandOptions, type QueryOptions, splitOptions } from './options.js';

interface AdminAnswers {
  list_processors: ProcessorsAnswer;
  pause_processor: PauseProcessorAnswer;
  resume_processor: PauseProcessorAnswer;
  list_parked_events: ParkedEventsPage;
  retry_parked_events: ReleaseParkedAnswer;
  discard_parked_events: ReleaseParkedAnswer;
  list_endpoints: EndpointList;
  list_stuck_tasks: StuckTasksPage;
  pause_task_type: TaskTypeAnswer;
  resume_task_type: TaskTypeAnswer;
  limit_task_type: TaskTypeAnswer;
  list_task_types: TaskTypesPage;
  get_job: JobInfo;
  list_jobs: JobsPage;
  abort_job: JobInfo;
  verify_history: JobAnswer;
  seal_history: JobAnswer;
  rebuild_projection: JobAnswer;
  verify_projection: JobAnswer;
  drop_projection_builds: DroppedBuilds;
  dry_run_projection: JobAnswer;
  dry_run_policy: JobAnswer;
  backup: JobAnswer;
  import_task: ImportAnswer;
  log_stats: LogStats;
}

/** Result of each kind of job. */
export interface JobResults {
  verify_history: HistoryReport;
  seal_history: HistorySeal;
  rebuild_projection: RebuildReport;
  verify_projection: ProjectionReport;
  dry_run_projection: DryRunReport;
  dry_run_policy: PolicyReport;
  backup: BackupReport;
}

/** Sends an admin message; `command` says that it changes something. */
type Send = (
  name: AdminName,
  args: object,
  options: CommandOptions | undefined,
  command: boolean,
) => Promise<unknown>;

/**
 * What operates the service itself: for actors with the role `admin`, and over NATS only where the
 * service has a token file. Every method is one message.
 */
export class AdminCalls {
  constructor(private readonly send: Send) {}

  /** How each projection, saga and publisher is doing, and the timers. */
  listProcessors(options?: QueryOptions): Promise<ProcessorsAnswer> {
    return this.query('list_processors', {}, options);
  }

  /** It handles nothing more, also after a restart, until it is resumed. The reason is for the service's log. */
  pauseProcessor(name: string, reason?: string, options?: CommandOptions) {
    return this.command('pause_processor', { name, reason }, options);
  }

  resumeProcessor(name: string, options?: CommandOptions): Promise<PauseProcessorAnswer> {
    return this.command('resume_processor', { name }, options);
  }

  /** A page of what could not be handled, one event a task; of one processor, or of all. */
  listParkedEvents(
    filter: AdminRequests['list_parked_events'] & QueryOptions = {},
  ): Promise<ParkedEventsPage> {
    const { options, fields } = splitOptions(filter);
    return this.query('list_parked_events', fields, options);
  }

  /** Handles what is parked, and what waits behind it, again; without a task all of the processor's. */
  retryParkedEvents(processor: string, taskId?: string, options?: CommandOptions) {
    return this.command('retry_parked_events', { processor, taskId }, options);
  }

  /** Passes over a task's parked event and goes on with what waits behind it; not for projections. */
  discardParkedEvents(
    processor: string,
    taskId: string,
    further: Omit<AdminRequests['discard_parked_events'], 'processor' | 'taskId'> &
      CommandOptions = {},
  ): Promise<ReleaseParkedAnswer> {
    const { options, fields } = splitOptions(further);
    return this.command('discard_parked_events', { ...fields, processor, taskId }, options);
  }

  /** The webhooks, and who is told by which. Never a secret. */
  listEndpoints(options?: QueryOptions): Promise<EndpointList> {
    return this.query('list_endpoints', {}, options);
  }

  /** A page of tasks that time or a processor should have moved and has not. Empty: all is well. */
  listStuckTasks(
    filter: AdminRequests['list_stuck_tasks'] & QueryOptions = {},
  ): Promise<StuckTasksPage> {
    const { options, fields } = splitOptions(filter);
    return this.query('list_stuck_tasks', fields, options);
  }

  /** No worker gets tasks of the type until it is resumed; those that run go on. */
  pauseTaskType(taskType: string, reason?: string, options?: CommandOptions) {
    return this.command('pause_task_type', { taskType, reason }, options);
  }

  resumeTaskType(taskType: string, reason?: string, options?: CommandOptions) {
    return this.command('resume_task_type', { taskType, reason }, options);
  }

  /** How many tasks of the type all workers together may hold at once; null: as many as they like. */
  limitTaskType(
    taskType: string,
    maxRunning: number | null,
    reason?: string,
    options?: CommandOptions,
  ): Promise<TaskTypeAnswer> {
    return this.command('limit_task_type', { taskType, maxRunning, reason }, options);
  }

  /** A page of the types that are paused or limited, or have tasks that workers hold or may claim. */
  listTaskTypes(
    filter: AdminRequests['list_task_types'] & QueryOptions = {},
  ): Promise<TaskTypesPage> {
    const { options, fields } = splitOptions(filter);
    return this.query('list_task_types', fields, options);
  }

  getJob(jobId: string, options?: QueryOptions): Promise<JobInfo> {
    return this.query('get_job', { jobId }, options);
  }

  /** A page of the jobs of the data folder, the newest first. */
  listJobs(filter: AdminRequests['list_jobs'] & QueryOptions = {}): Promise<JobsPage> {
    const { options, fields } = splitOptions(filter);
    return this.query('list_jobs', fields, options);
  }

  /** Ends it as soon as it can; what it has written so far is taken back. */
  abortJob(jobId: string, reason?: string, options?: CommandOptions): Promise<JobInfo> {
    return this.command('abort_job', { jobId, reason }, options);
  }

  /** Checks the hash chain of the whole log, or of one task, and what a seal says. */
  verifyHistory(
    request: AdminRequests['verify_history'] = {},
    options?: CommandOptions,
  ): Promise<JobAnswer> {
    return this.command('verify_history', request, options);
  }

  /** A digest of all histories, to be kept elsewhere. */
  sealHistory(options?: CommandOptions): Promise<JobAnswer> {
    return this.command('seal_history', {}, options);
  }

  /** Builds a view anew beside the one that serves, compares it with the log and swaps it in. */
  rebuildProjection(
    projection: string,
    further: { readonly keepOld?: boolean } & CommandOptions = {},
  ): Promise<JobAnswer> {
    const { options, fields } = splitOptions(further);
    return this.command('rebuild_projection', { ...fields, projection }, options);
  }

  /** Compares the view that serves with the log. */
  verifyProjection(projection: string, options?: CommandOptions): Promise<JobAnswer> {
    return this.command('verify_projection', { projection }, options);
  }

  /** Takes away builds that were kept. */
  dropProjectionBuilds(projection: string, options?: CommandOptions): Promise<DroppedBuilds> {
    return this.command('drop_projection_builds', { projection }, options);
  }

  /** Runs a projection over a stretch of the log, without any effect. */
  dryRunProjection(
    projection: string,
    stretch: { readonly from?: string; readonly to?: string } & CommandOptions = {},
  ): Promise<JobAnswer> {
    const { options, fields } = splitOptions(stretch);
    return this.command('dry_run_projection', { ...fields, projection }, options);
  }

  /** Decides all recorded failures again, without any effect. */
  dryRunPolicy(policy: AdminRequests['dry_run_policy'] & CommandOptions = {}): Promise<JobAnswer> {
    const { options, fields } = splitOptions(policy);
    return this.command('dry_run_policy', fields, options);
  }

  /** Copies the log of a running service into a folder of its own below BACKUP_DIR, and verifies the copy. */
  backup(name?: string, options?: CommandOptions): Promise<JobAnswer> {
    return this.command('backup', { name }, options);
  }

  /** A piece of an exported task; whole files: the client's own `importTask`. */
  importTaskEvents(
    piece: AdminRequests['import_task'],
    options?: CommandOptions,
  ): Promise<ImportAnswer> {
    return this.command('import_task', piece, options);
  }

  logStats(options?: QueryOptions): Promise<LogStats> {
    return this.query('log_stats', {}, options);
  }

  private query<N extends AdminName>(
    name: N,
    args: AdminRequests[N],
    options: QueryOptions | undefined,
  ): Promise<AdminAnswers[N]> {
    return this.send(name, args, options, false) as Promise<AdminAnswers[N]>;
  }

  private command<N extends AdminName>(
    name: N,
    args: AdminRequests[N],
    options: CommandOptions | undefined,
  ): Promise<AdminAnswers[N]> {
    return this.send(name, args, options, true) as Promise<AdminAnswers[N]>;
  }
}
