import {
  adminSubject,
  type CommandAnswer,
  type CommandName,
  type CommandRequests,
  commandSubject,
  type FeedEvent,
  type ImportAnswer,
  type Json,
  type NewTaskRequest,
  type QueryName,
  type QueryRequests,
  querySubject,
  TaskStatus,
  type WorkTaskRequest,
} from '@taskmanager/protocol';

import { AdminCalls } from './admin-calls.js';
import type { AnswerOfCommand, AnswerOfQuery } from './answer-of.js';
import { createTransport, targetOf } from './connection.js';
import { TaskManagerError } from './errors.js';
import { importFile, type ImportOptions, type Lines } from './exported-task/import-file.js';
import { Feeds } from './feed/feeds.js';
import type { FeedFilter } from './feed/follow.js';
import {
  dataOf,
  HEARD,
  isCalled,
  type TaskEventListener,
  type TaskEventName,
  type TaskListener,
  tell,
} from './feed/task-listener.js';
import { waitForResume } from './feed/wait-for-resume.js';
import { newId } from './new-id.js';
import { onAbort } from './on-abort.js';
import {
  type CommandOptions,
  type ConnectOptions,
  type QueryOptions,
  splitOptions,
} from './options.js';
import { CallFactory } from './sending/call-factory.js';
import { Exchange } from './sending/exchange.js';
import { SeenPosition } from './sending/seen-position.js';
import { Sender } from './sending/sender.js';
import { type CreateTaskOptions, TaskCalls } from './task-calls.js';
import type { Transport } from './transport/transport.js';

/** Ends a listener; nothing is delivered to it afterwards. */
export type RemoveListener = () => void;

export type ProgressOptions = Omit<
  CommandRequests['update_task_progress'],
  'id' | 'completedItems' | 'totalItems'
> &
  CommandOptions & {
    /**
     * `wait`: when the task is paused, acknowledges the pause and resolves when it is resumed, however
     * long that takes. `return`, the default: resolves at once; the answer's `status` tells.
     */
    readonly whilePaused?: 'wait' | 'return';
  };

/**
 * A program's connection to the task service: one for the whole program is enough. Commands whose
 * outcome is not known are sent again, at most once in effect; queries see what this client has done.
 */
export class TaskManager extends TaskCalls {
  /** What operates the service itself, for actors with the role `admin`. */
  readonly admin = new AdminCalls((name, args, options, command) =>
    this.send(name, adminSubject(name), args, options, command),
  );
  private readonly calls: CallFactory;
  private readonly sender: Sender;
  private readonly feeds: Feeds;
  private readonly transport: Transport;
  private readonly stopWaiting = new AbortController();
  private closing: Promise<void> | undefined;

  private constructor(private readonly options: ConnectOptions) {
    super();
    this.transport = createTransport(options);
    this.calls = new CallFactory(options.timeoutMs, options.tryTimeoutMs);
    const exchange = new Exchange(this.transport, new SeenPosition(), identityOf(options));
    this.sender = new Sender(exchange, {
      coalesce: options.coalesce ?? true,
      maxInFlight: options.maxInFlight ?? 128,
      maxQueued: options.maxQueued ?? 100_000,
    });
    this.feeds = new Feeds(this.read, (error) => this.report(error));
  }

  /**
   * Resolves when the connection stands, or at once with `lazy`.
   *
   * @throws TaskManagerError `UNAVAILABLE` when nobody answers there within `connectTimeoutMs`,
   *   `ABORTED` when `connectSignal` fired before
   */
  static async connect(options: ConnectOptions): Promise<TaskManager> {
    const client = new TaskManager(options);
    const { connectSignal: signal, connectTimeoutMs = 5_000 } = options;
    if (options.lazy) return client;
    try {
      signal?.throwIfAborted();
      const opened = client.transport.open(connectTimeoutMs);
      onAbort(signal, () => void client.close(), opened);
      await opened;
      return client;
    } catch (cause) {
      await client.close();
      if (signal?.aborted) {
        const message = `Connecting to ${targetOf(options)} was given up`;
        throw new TaskManagerError('ABORTED', message, undefined, undefined, { cause });
      }
      if (cause instanceof TaskManagerError) throw cause;
      const message = `No TaskManager service answers at ${targetOf(options)}: is it running? (${(cause as Error).message})`;
      throw new TaskManagerError('UNAVAILABLE', message, undefined, undefined, { cause });
    }
  }

  command<N extends CommandName>(
    name: N,
    args: CommandRequests[N],
    options?: CommandOptions,
  ): Promise<AnswerOfCommand<N>> {
    return this.send(name, commandSubject(name), args, options, true) as Promise<
      AnswerOfCommand<N>
    >;
  }

  query<N extends QueryName>(
    name: N,
    args: QueryRequests[N],
    options?: QueryOptions,
  ): Promise<AnswerOfQuery<N>> {
    return this.send(name, querySubject(name), args, options, false) as Promise<AnswerOfQuery<N>>;
  }

  /** Resolves to the new task's id. */
  async createTask(
    name: string,
    taskType: string,
    appName: string | undefined = this.options.appName,
    data?: Json,
    further: CreateTaskOptions = {},
  ): Promise<string> {
    if (appName === undefined) {
      const message = 'createTask: no appName was given, neither here nor to connect';
      throw new TaskManagerError('VALIDATION_FAILED', message, { field: 'appName' });
    }
    const { options, fields } = splitOptions(further);
    const args = { ...fields, id: idOfNew(fields), name, taskType, appName, data };
    return (await this.command('create_task', args, options)).taskId;
  }

  /** A task that a worker which comes with TaskManager runs: it clones a git repository. */
  cloneRepositoryTask(
    request: CommandRequests['clone_repository_task'] & CommandOptions,
  ): Promise<CommandAnswer> {
    return this.workTask('clone_repository_task', request);
  }

  /** Likewise: it makes what git tracks in a directory searchable, see `searchRepository`. */
  indexRepositoryTask(
    request: CommandRequests['index_repository_task'] & CommandOptions,
  ): Promise<CommandAnswer> {
    return this.workTask('index_repository_task', request);
  }

  /** Likewise: it copies files and folders into a content-addressed store. */
  importFilesTask(
    request: CommandRequests['import_files_task'] & CommandOptions,
  ): Promise<CommandAnswer> {
    return this.workTask('import_files_task', request);
  }

  /**
   * Takes in a task that another service exported: the lines of the file, or a function that opens it,
   * which is called twice and keeps little of it in memory. Nothing is sent before all of it was checked.
   * For admins. Sent again it changes nothing; interrupted, the same call goes on. With `anew` it does not
   * go on from what came before, should that not be of this file.
   */
  importTask(
    lines: Lines | (() => Lines),
    { anew, ...options }: QueryOptions & ImportOptions = {},
  ): Promise<ImportAnswer> {
    return importFile(lines, (piece) => this.admin.importTaskEvents(piece, options), { anew });
  }

  async updateTaskProgress(
    id: string,
    completedItems: number,
    totalItems: number,
    further?: ProgressOptions,
  ): Promise<CommandAnswer> {
    if (!further) return this.command('update_task_progress', { id, completedItems, totalItems });
    const { whilePaused, ...rest } = further;
    const { options, fields } = splitOptions(rest);
    const args = { ...fields, id, completedItems, totalItems };
    if (whilePaused !== 'wait') return this.command('update_task_progress', args, options);
    return this.progressAcrossPause(args, options);
  }

  /**
   * Calls `listener(event, data)` for everything that happens from now on, to every task. For the life
   * of this client nothing is lost or repeated. Resolves when its start is fixed; commands made after
   * this call, awaited or not, are seen.
   */
  async addTaskEventListener(listener: TaskListener): Promise<RemoveListener> {
    if (typeof listener !== 'function') {
      throw new TypeError('addTaskEventListener takes one function for all events: (event, data).');
    }
    return this.listen('addTaskEventListener', { events: HEARD }, (event) => tell(listener, event));
  }

  /**
   * Calls `listener(data)` for every event of that name from now on, with its own fields: `task:retry`
   * has `retryCount` and `maxRetries`, `task:failed` `error`, `task:completed` `result`. Else as
   * {@link addTaskEventListener}.
   */
  async on(name: TaskEventName, listener: TaskEventListener): Promise<RemoveListener> {
    const isWanted = isCalled(name);
    return this.listen('on', {}, (event) =>
      isWanted(event) ? listener(dataOf(event)) : undefined,
    );
  }

  /**
   * Calls `listener(data)` for the events that the filter lets through, e.g. `{ appName: 'shop', events:
   * ['completed'] }`: the service sends no others, and listeners with the same filter share them. Else as
   * {@link addTaskEventListener}.
   */
  async listenTo(filter: FeedFilter, listener: TaskEventListener): Promise<RemoveListener> {
    if (typeof listener !== 'function') {
      throw new TypeError('listenTo takes a filter and a function: (filter, (data) => …).');
    }
    return this.listen('listenTo', filter, (event) => listener(dataOf(event)));
  }

  /**
   * Ends listeners, takes no new calls, gives those under way up to `waitMs` milliseconds (5,000) and
   * rejects the rest with `CLOSED`. Nothing of the client keeps the process alive afterwards.
   */
  close({ waitMs = 5_000 }: { readonly waitMs?: number } = {}): Promise<void> {
    this.closing ??= (async () => {
      this.feeds.close();
      this.stopWaiting.abort();
      await this.sender.idle(waitMs);
      this.sender.close();
      await this.transport.close();
    })();
    return this.closing;
  }

  private workTask<N extends WorkCommand>(
    name: N,
    request: CommandRequests[N] & CommandOptions,
  ): Promise<CommandAnswer> {
    const { options, fields } = splitOptions<WorkTaskRequest & CommandOptions>(request);
    const args = { appName: this.options.appName, ...fields, id: idOfNew(fields) };
    return this.command<WorkCommand>(name, args as CommandRequests[N], options);
  }

  private async listen(
    method: string,
    filter: FeedFilter,
    tellOf: (event: FeedEvent) => void | Promise<void>,
  ): Promise<RemoveListener> {
    if (this.closing) throw closedError(method);
    const release = this.sender.hold();
    const subscription = this.feeds.of(filter).subscribe((event) => {
      // A listener that is a promise is not waited for: its failure is nobody else's.
      const told = tellOf(event);
      if (told) told.catch((error: unknown) => this.report(error));
    });
    try {
      await subscription.started;
    } finally {
      release();
    }
    return () => subscription.stop();
  }

  private send(
    name: string,
    subject: string,
    args: object,
    options: CommandOptions | undefined,
    command: boolean,
  ): Promise<unknown> {
    if (this.closing) return Promise.reject(closedError(name));
    const call = this.calls.create({ name, subject, args, command }, options);
    this.sender.submit(call);
    return call.answer;
  }

  private async progressAcrossPause(
    args: CommandRequests['update_task_progress'],
    options: CommandOptions,
  ): Promise<CommandAnswer> {
    const { id, workerId, leaseEpoch } = args;
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.stopWaiting.signal])
      : this.stopWaiting.signal;
    const resumed = () => waitForResume(id, this.read, () => this.getTask(id, { signal }), signal);
    for (;;) {
      try {
        const answer = await this.command('update_task_progress', args, options);
        if (answer.status !== 'paused') return answer;
        await this.acknowledgePause({ id, workerId, leaseEpoch });
        await resumed();
        return answer;
      } catch (error) {
        // Paused and acknowledged before: it takes progress again when it is resumed.
        if (!refusedByPause(error)) throw error;
        await resumed();
      }
    }
  }

  /** Refused when the pause is over already, or was acknowledged by another call of this program: both are fine. */
  private async acknowledgePause(args: CommandRequests['acknowledge_pause']): Promise<void> {
    await this.command('acknowledge_pause', args).catch((error: unknown) => {
      if (!(error instanceof TaskManagerError && error.code === 'INVALID_TRANSITION')) throw error;
    });
  }

  private readonly read = (request: QueryRequests['read_events'], signal: AbortSignal) =>
    this.query('read_events', request, { signal });

  /** Never throws: what `onError` itself does wrong is a warning, and ends nothing. */
  private report(error: unknown): void {
    const { onError } = this.options;
    if (onError) {
      new Promise((resolve) => resolve(onError(error))).catch(warn);
      return;
    }
    const passing =
      error instanceof TaskManagerError &&
      ['UNAVAILABLE', 'OVERLOADED', 'TIMEOUT'].includes(error.code);
    if (!passing) warn(error);
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}

function identityOf({ token, actor, appName }: ConnectOptions) {
  const named = actor ?? appName;
  return { token, actor: typeof named === 'string' ? { id: named } : named };
}

function closedError(name: string): TaskManagerError {
  return new TaskManagerError('CLOSED', `${name}: the client is closed`, { outcome: 'not_sent' });
}

function refusedByPause(error: unknown): boolean {
  if (!(error instanceof TaskManagerError)) return false;
  return error.code === 'INVALID_TRANSITION' && error.details?.status === TaskStatus.Paused;
}

/** Messages that make a task of a type that comes with TaskManager. */
type WorkCommand = 'clone_repository_task' | 'index_repository_task' | 'import_files_task';

/** With a key of the caller's the service derives the id from it: the same key, the same task. */
function idOfNew({ id, idempotencyKey }: NewTaskRequest): string | undefined {
  return id ?? (idempotencyKey === undefined ? newId() : undefined);
}
