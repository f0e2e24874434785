import type {
  AuditEvent,
  AuditPage,
  AuditRequest,
  CommandAnswer,
  CommandName,
  CommandRequests,
  ExplainAnswer,
  FeedPage,
  HistoryEvent,
  HistoryPage,
  HistoryVerdict,
  Json,
  PauseAllAnswer,
  QueryName,
  QueryRequests,
  SearchAnswer,
  StatsAnswer,
  TaskDiff,
  TaskInfo,
  TaskListFilter,
  TaskPage,
  TaskPoint,
  TaskStatus,
  WorkersPage,
} from '@taskmanager/protocol';
import { exportedLines } from './exported-task/exported-lines.js';
import type { AnswerOfCommand, AnswerOfQuery } from './answer-of.js';
import { type CommandOptions, type QueryOptions, splitOptions } from './options.js';

/** Fields of a message that its method does not take by position, and the options of every call. */
type Further<N extends CommandName, Positional extends string> = Omit<
  CommandRequests[N],
  'id' | Positional
> &
  CommandOptions;

export type CreateTaskOptions = Further<'create_task', 'name' | 'taskType' | 'appName' | 'data'> & {
  /** A UUID; a new v7 by default. */
  readonly id?: string;
};

/**
 * The methods by name: each is one message, its required fields by position, the others in a last
 * object. Commands resolve to the service's answer, and reject with a TaskManagerError.
 */
export abstract class TaskCalls {
  /** Any command by its name on the wire. */
  abstract command<N extends CommandName>(
    name: N,
    args: CommandRequests[N],
    options?: CommandOptions,
  ): Promise<AnswerOfCommand<N>>;

  /** Any query by its name on the wire. */
  abstract query<N extends QueryName>(
    name: N,
    args: QueryRequests[N],
    options?: QueryOptions,
  ): Promise<AnswerOfQuery<N>>;

  getTask(id: string, options?: QueryOptions): Promise<TaskInfo> {
    return this.query('get_task', { id }, options);
  }

  /** The task as it was after a revision, or at a time. */
  getTaskAt(id: string, point: TaskPoint, options?: QueryOptions): Promise<TaskInfo> {
    return this.query('get_task_at', { id, ...point }, options);
  }

  /** What changed between two points of a task's life, field by field; up to now without `to`. */
  diffTask(
    id: string,
    from: TaskPoint,
    to: TaskPoint = {},
    options?: QueryOptions,
  ): Promise<TaskDiff> {
    const fields = {
      fromRevision: from.revision,
      fromAt: from.at,
      toRevision: to.revision,
      toAt: to.at,
    };
    return this.query('diff_task', { id, ...fields }, options);
  }

  /** One page of who did what; its `nextCursor`, given back as `cursor` beside the same filter, continues. */
  queryAudit(request: AuditRequest = {}, options?: QueryOptions): Promise<AuditPage> {
    return this.query('query_audit', request, options);
  }

  /** Everything that the filter covers, read page by page as the loop goes on. */
  async *auditEvents(
    request: AuditRequest = {},
    options?: QueryOptions,
  ): AsyncGenerator<AuditEvent, void> {
    let { cursor } = request;
    do {
      const page = await this.queryAudit({ ...request, cursor }, options);
      yield* page.events;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /** Checks the hash chains of one task: its events and its refusals. */
  verifyHistory(id: string, options?: QueryOptions): Promise<HistoryVerdict> {
    return this.query('verify_history', { id }, options);
  }

  /** The first page, newest first: 100 tasks, or the filter's `limit` up to 500. All of them: `tasks`. */
  async listTasks(
    filter: TaskListFilter = {},
    options?: QueryOptions,
  ): Promise<readonly TaskInfo[]> {
    return (await this.listTasksPage(filter, options)).tasks;
  }

  /** One page; its `nextCursor`, given back as `cursor` beside the same filter, continues. */
  listTasksPage(filter: TaskListFilter = {}, options?: QueryOptions): Promise<TaskPage> {
    return this.query('list_tasks', filter, options);
  }

  /** Every task of the filter, read page by page as the loop goes on. */
  async *tasks(
    filter: TaskListFilter = {},
    options?: QueryOptions,
  ): AsyncGenerator<TaskInfo, void> {
    let { cursor } = filter;
    do {
      const page = await this.listTasksPage({ ...filter, cursor }, options);
      yield* page.tasks;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /** One page of what happened to a task, oldest first. */
  getTaskHistory(
    id: string,
    options: Omit<QueryRequests['get_task_history'], 'id'> & QueryOptions = {},
  ): Promise<HistoryPage> {
    const { options: call, fields } = splitOptions(options);
    return this.query('get_task_history', { id, ...fields }, call);
  }

  /** Everything that happened to a task, oldest first, read page by page. */
  async *taskHistory(id: string, options?: QueryOptions): AsyncGenerator<HistoryEvent, void> {
    let fromRevision: number | undefined = 0;
    while (fromRevision !== undefined) {
      const page: HistoryPage = await this.getTaskHistory(id, { ...options, fromRevision });
      yield* page.events;
      fromRevision = page.nextRevision;
    }
  }

  /**
   * The task with its whole history as the lines of a file (NDJSON, without line feeds), read page by
   * page; `importTask` of a client of another service takes them in.
   */
  exportTask(id: string, options?: QueryOptions): AsyncGenerator<string, void> {
    return exportedLines((cursor) => this.query('export_task', { id, cursor }, options), Date.now);
  }

  /** Why the task stands where it stands: what it waits for, and until when; the nearest reason first. */
  explainTask(id: string, options?: QueryOptions): Promise<ExplainAnswer> {
    return this.query('explain_task', { id }, options);
  }

  /** How many tasks there are, by status and by type. */
  taskStats(
    filter: QueryRequests['task_stats'] = {},
    options?: QueryOptions,
  ): Promise<StatsAnswer> {
    return this.query('task_stats', filter, options);
  }

  /** A page of who claims tasks at the asked process, and who holds tasks. */
  listWorkers(
    filter: QueryRequests['list_workers'] = {},
    options?: QueryOptions,
  ): Promise<WorkersPage> {
    return this.query('list_workers', filter, options);
  }

  /** Lines, or symbols, of a directory that `indexRepositoryTask` has indexed: a page of 100, or of `limit`. */
  searchRepository(
    directory: string,
    text: string,
    further: Omit<QueryRequests['search_repository'], 'directory' | 'text'> = {},
    options?: QueryOptions,
  ): Promise<SearchAnswer> {
    return this.query('search_repository', { ...further, directory, text }, options);
  }

  /** One page of the feed of all tasks; `from` is strictly after. Most want `addTaskEventListener`. */
  readEvents(
    request: QueryRequests['read_events'] = {},
    options?: QueryOptions,
  ): Promise<FeedPage> {
    return this.query('read_events', request, options);
  }

  /** The general door: leads to the wanted status by the one command that goes there, or is refused. */
  updateTaskStatus(
    id: string,
    status: TaskStatus,
    further?: Further<'update_task_status', 'status'>,
  ) {
    return this.about('update_task_status', { id, status }, further);
  }

  /** A note about something that went wrong; the status stays. */
  updateTaskError(
    id: string,
    errorMessage: string,
    further?: Further<'update_task_error', 'error'>,
  ) {
    return this.about('update_task_error', { id, error: errorMessage }, further);
  }

  /** Replaces the task's data. */
  updateTaskData(id: string, data: Json, further?: Further<'update_task_data', 'data'>) {
    return this.about('update_task_data', { id, data }, further);
  }

  deleteTask(id: string, further?: Further<'delete_task', never>) {
    return this.about('delete_task', { id }, further);
  }

  startTask(id: string, further?: Further<'start_task', never>) {
    return this.about('start_task', { id }, further);
  }

  pauseTask(id: string, further?: Further<'pause_task', never>) {
    return this.about('pause_task', { id }, further);
  }

  resumeTask(id: string, further?: Further<'resume_task', never>) {
    return this.about('resume_task', { id }, further);
  }

  cancelTask(id: string, further?: Further<'cancel_task', never>) {
    return this.about('cancel_task', { id }, further);
  }

  completeTask(id: string, further?: Further<'complete_task', never>) {
    return this.about('complete_task', { id }, further);
  }

  failTask(id: string, errorMessage: string, further?: Further<'fail_task', 'error'>) {
    return this.about('fail_task', { id, error: errorMessage }, further);
  }

  /** The same as `failTask`. */
  markTaskAsFailed(id: string, errorMessage: string, further?: Further<'fail_task', 'error'>) {
    return this.failTask(id, errorMessage, further);
  }

  retryTask(id: string, further?: Further<'retry_task', never>) {
    return this.about('retry_task', { id }, further);
  }

  requestApproval(id: string, further?: Further<'request_approval', never>) {
    return this.about('request_approval', { id }, further);
  }

  /** The same as `requestApproval`. */
  markTaskAsWaitingForApproval(id: string, further?: Further<'request_approval', never>) {
    return this.requestApproval(id, further);
  }

  approveTask(id: string, further?: Further<'approve_task', never>) {
    return this.about('approve_task', { id }, further);
  }

  rejectTask(id: string, reason: string, further?: Further<'reject_task', 'reason'>) {
    return this.about('reject_task', { id, reason }, further);
  }

  /** At most 1,000 tasks a call; `more` says that there may be others. */
  pauseAllRunningTasks(
    further: CommandRequests['pause_all_running_tasks'] & CommandOptions = {},
  ): Promise<PauseAllAnswer> {
    const { options, fields } = splitOptions(further);
    return this.command('pause_all_running_tasks', fields, options);
  }

  /** The task that was paused last; null when none is paused. */
  resumeLastPausedTask(
    further: CommandRequests['resume_last_paused_task'] & CommandOptions = {},
  ): Promise<CommandAnswer | null> {
    const { options, fields } = splitOptions(further);
    return this.command('resume_last_paused_task', fields, options);
  }

  protected about<N extends CommandAboutOneTask>(
    name: N,
    required: CommandRequests[N],
    further: CommandOptions | undefined,
  ): Promise<CommandAnswer> {
    if (!further) return this.command(name, required);
    const { options, fields } = splitOptions(further);
    return this.command(name, { ...fields, ...required }, options);
  }
}

type CommandAboutOneTask = {
  [N in CommandName]: CommandRequests[N] extends { readonly id: string } ? N : never;
}[CommandName];
