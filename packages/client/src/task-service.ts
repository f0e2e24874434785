import {
  type CommandAnswer,
  type Json,
  LIMITS,
  type TaskInfo,
  type TaskPage,
  TaskStatus,
} from '@taskmanager/protocol';
import { TaskManagerError } from './errors.js';
import type { TaskListenerData } from './feed/task-listener.js';
import type { CreateTaskOptions } from './task-calls.js';
import type { RemoveListener, TaskManager } from './task-manager.js';
import {
  cancelledPayload,
  completedPayload,
  failedPayload,
  progressPayload,
  retryPayload,
  type TaskCallback,
  type TaskCancelledPayload,
  type TaskCompletedPayload,
  type TaskFailedPayload,
  type TaskProgressPayload,
  type TaskRetryPayload,
} from './task-payloads.js';

export interface TaskServiceOptions {
  /** Whose tasks these are: those it creates, lists, loads, cleans up and listens to. */
  readonly appName: string;
}

/** Fields that a new task may have beside those that its creator takes or sets by itself. */
export type NewTaskOptions = Omit<
  CreateTaskOptions,
  'runBy' | 'persistent' | 'input' | 'maxRetries'
> & {
  /** For people; the task's type by default. */
  readonly name?: string;
  readonly data?: Json;
};

/** Tasks that `listTasks` answers at most. */
const LISTED = 1_000;
/** One filter for all listeners: they share one reader. */
const HEARD = ['completed', 'failed', 'cancelled', 'progress', 'retry'];
/** A task that is not there, or does not stand where it would have to. */
const NOT_POSSIBLE = ['INVALID_TRANSITION', 'TASK_NOT_FOUND'];

/**
 * The tasks of one app, for the program that owns them: look at them, hear of them, and drive those that
 * no worker runs. Calls reject with TaskManagerError; those that answer whether they did something say so
 * instead when the task does not let them, or is not there. A task that is named by its id may be another
 * app's: what a token may touch is the service's to say.
 */
export class TaskService {
  private readonly appName: string;

  /** The client stays its owner's to close; that ends the listeners too. */
  constructor(
    private readonly client: TaskManager,
    { appName }: TaskServiceOptions,
  ) {
    this.appName = appName;
  }

  /** @throws TaskManagerError `TASK_NOT_FOUND`, also for a deleted one */
  getTask(taskId: string): Promise<TaskInfo> {
    return this.client.getTask(taskId);
  }

  /** The app's 1,000 newest tasks, the newest first; for more, and for filters, the client's `tasks`. */
  async listTasks(taskType?: string): Promise<readonly TaskInfo[]> {
    const filter = { ...this.filter(taskType), limit: LIMITS.listPage };
    return this.allPages((cursor) => this.client.listTasksPage({ ...filter, cursor }), LISTED);
  }

  /** True when this call cancelled it; false when it had ended before, or is not there. */
  async cancelTask(taskId: string): Promise<boolean> {
    const answer = await unlessImpossible(this.client.cancelTask(taskId));
    return answer !== undefined && answer.events.length > 0;
  }

  /**
   * Deletes the app's tasks that ended (completed, failed, cancelled) longer ago than this.
   *
   * @param maxAgeMs milliseconds; an hour by default
   * @returns how many
   */
  async cleanupTasks(maxAgeMs?: number): Promise<number> {
    let total = 0;
    for (;;) {
      const args = { appName: this.appName, maxAgeMs };
      const { deleted, more } = await this.client.command('cleanup_tasks', args);
      total += deleted;
      // A round that deletes nothing found only what others have just taken up or deleted.
      if (!more || deleted === 0) return total;
    }
  }

  onTaskCompleted(callback: TaskCallback<TaskCompletedPayload>): Promise<RemoveListener> {
    return this.on('completed', completedPayload, callback);
  }

  /** Each failure, also one that will be retried. */
  onTaskFailed(callback: TaskCallback<TaskFailedPayload>): Promise<RemoveListener> {
    return this.on('failed', failedPayload, callback);
  }

  onTaskCancelled(callback: TaskCallback<TaskCancelledPayload>): Promise<RemoveListener> {
    return this.on('cancelled', cancelledPayload, callback);
  }

  onTaskProgress(callback: TaskCallback<TaskProgressPayload>): Promise<RemoveListener> {
    return this.on('progress', progressPayload, callback);
  }

  /** The task is pending again after a failure, by itself or by hand. */
  onTaskRetry(callback: TaskCallback<TaskRetryPayload>): Promise<RemoveListener> {
    return this.on('retry', retryPayload, callback);
  }

  /** A task that this program runs itself. Resolves to its id. */
  createTask(type: string, options?: NewTaskOptions): Promise<string> {
    return this.create(type, options, {});
  }

  /** One that is wanted back after a restart ({@link loadPersistentTasks}) and retried after a failure. */
  createPersistentTask(type: string, options?: NewTaskOptions): Promise<string> {
    return this.create(type, options, { persistent: true });
  }

  /** @param maxRetries how often it is retried after a failure; the service's default when undefined */
  createPersistentTaskWithInput(
    type: string,
    input: Json,
    maxRetries?: number,
    options?: NewTaskOptions,
  ): Promise<string> {
    return this.create(type, options, { persistent: true, input, maxRetries });
  }

  /**
   * Begins an attempt: of a pending task, or of a running one that nobody runs any more. Refused while it
   * is paused.
   */
  setRunning(id: string): Promise<CommandAnswer> {
    return this.client.startTask(id);
  }

  /** @param percent 0 to 100 */
  updateProgress(id: string, percent: number, message?: string): Promise<CommandAnswer> {
    return this.client.command('update_task_progress', { id, progress: percent, message });
  }

  complete(id: string, result?: Json): Promise<CommandAnswer> {
    return this.client.completeTask(id, { result });
  }

  /** A persistent task that has retries left is pending again after its delay. */
  fail(id: string, error: string): Promise<CommandAnswer> {
    return this.client.failTask(id, error);
  }

  /**
   * For the one who runs the task: ends it as cancelled, unless somebody cancelled it before, and
   * acknowledges that its work has stopped. {@link cancelTask} is for everybody else.
   */
  async cancel(id: string): Promise<CommandAnswer> {
    await this.client.cancelTask(id).catch((error: unknown) => {
      if (!refusedAs(error, TaskStatus.Cancelled)) throw error;
    });
    return this.client.command('acknowledge_cancel', { id });
  }

  /** The task, pending again; undefined when it has not failed, has no retries left, or is not there. */
  async retryTask(id: string): Promise<TaskInfo | undefined> {
    const answer = await unlessImpossible(this.client.retryTask(id));
    return answer && unlessImpossible(this.client.getTask(id));
  }

  /** The app's persistent tasks that nobody runs, pending or running without a lease; the oldest first. */
  loadPersistentTasks(): Promise<readonly TaskInfo[]> {
    return this.load('load_persistent_tasks');
  }

  /** The app's persistent tasks that failed and have retries left; the oldest first. */
  loadRetryableTasks(): Promise<readonly TaskInfo[]> {
    return this.load('load_retryable_tasks');
  }

  private create(
    type: string,
    { name = type, data, ...further }: NewTaskOptions = {},
    fields: CreateTaskOptions,
  ): Promise<string> {
    const all = { ...further, ...fields, runBy: 'app' } as const;
    return this.client.createTask(name, type, this.appName, data, all);
  }

  private async on<Payload>(
    event: string,
    payloadOf: (data: TaskListenerData) => Payload,
    callback: TaskCallback<Payload>,
  ): Promise<RemoveListener> {
    if (typeof callback !== 'function') throw new TypeError('A listener has to be a function.');
    const filter = { appName: this.appName, events: HEARD };
    return this.client.listenTo(filter, (data) =>
      data.event === event ? callback(payloadOf(data)) : undefined,
    );
  }

  private load(
    query: 'load_persistent_tasks' | 'load_retryable_tasks',
  ): Promise<readonly TaskInfo[]> {
    const filter = { ...this.filter(), limit: LIMITS.listPage };
    return this.allPages((cursor) => this.client.query(query, { ...filter, cursor }));
  }

  private filter(taskType?: string) {
    return { appName: this.appName, ...(taskType !== undefined && { taskTypes: [taskType] }) };
  }

  private async allPages(
    read: (cursor: string | undefined) => Promise<TaskPage>,
    most = Infinity,
  ): Promise<readonly TaskInfo[]> {
    const all: TaskInfo[] = [];
    let cursor: string | undefined;
    do {
      const page = await read(cursor);
      all.push(...page.tasks);
      cursor = page.nextCursor;
    } while (cursor !== undefined && all.length < most);
    return all.slice(0, most);
  }
}

/** What the call answers; undefined when the task does not allow it or is not there. */
async function unlessImpossible<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TaskManagerError && NOT_POSSIBLE.includes(error.code)) return undefined;
    throw error;
  }
}

function refusedAs(error: unknown, status: TaskStatus): boolean {
  if (!(error instanceof TaskManagerError)) return false;
  return error.code === 'INVALID_TRANSITION' && error.details?.status === status;
}
