import type { TaskInfo, TaskListenerData, TaskStatus } from '@taskmanager/client';

/** What a watch shows of a task. */
export interface WatchedTask {
  readonly id: string;
  readonly taskType: string;
  readonly appName: string;
  readonly status: TaskStatus;
  readonly revision: number;
  readonly progress: number;
  /** Undefined until the task itself was read: most events do not carry it. */
  readonly name?: string;
  readonly message?: string;
  readonly error?: string;
  readonly workerId?: string;
  /** When this attempt was started, epoch milliseconds. */
  readonly startedAt?: number;
  /** Nothing will move it any more but a hand. */
  readonly over: boolean;
  /** When it stopped being one of those that are watched for. */
  readonly leftAt?: number;
}

/** Tasks at one time: what is past it is counted, not shown. */
const MOST = 2_000;
/** How long a task that has left is still shown, milliseconds. */
const SHOWN_MS = 5_000;

/**
 * The tasks of a watch: begun with what a list answered, moved on by the events of the feed. Either may
 * be the older one; the revision tells.
 */
export class WatchedTasks {
  private readonly tasks = new Map<string, WatchedTask>();
  private full = false;

  /** @param isWatched whether a task is one of those that are watched for */
  constructor(private readonly isWatched: (task: Pick<WatchedTask, 'id' | 'status'>) => boolean) {}

  /** Answers the task when no event has told as much of it. */
  load(info: TaskInfo): WatchedTask | undefined {
    const before = this.tasks.get(info.id);
    if (before && before.revision > info.revision) {
      this.tasks.set(info.id, { ...before, name: info.name });
      return undefined;
    }
    const { id, taskType, appName, status, revision, progress, name, message, error } = info;
    const { workerId, startedAt, nextRetryAt } = info;
    const over = isOver(status, nextRetryAt !== undefined);
    const task: WatchedTask = {
      ...{ id, taskType, appName, status, revision, progress, name, message, error, workerId },
      ...{ startedAt, over },
    };
    this.put(task, before);
    return before?.revision === revision ? undefined : task;
  }

  /** Answers the task as it is now when it is, or was, one of those that are watched for. */
  apply(event: TaskListenerData): WatchedTask | undefined {
    const before = this.tasks.get(event.taskId);
    if (before && before.revision >= event.revision) return undefined;
    const { taskId: id, taskType, appName, status, revision } = event;
    const base = { ...before, id, taskType, appName, status, revision };
    const progress = numberOf(event['progress']) ?? before?.progress ?? 0;
    const over = isOver(status, willRetry(event, before));
    const task: WatchedTask = { ...base, progress, over, ...ofEvent(event) };
    return this.put(task, before) ? task : undefined;
  }

  /** Those to be shown, the one that runs longest first; forgets those that have left. */
  shown(now: number): readonly WatchedTask[] {
    for (const { id, leftAt } of this.tasks.values())
      if (leftAt !== undefined && now - leftAt > SHOWN_MS) this.tasks.delete(id);
    return [...this.tasks.values()].sort(
      (a, b) => (a.startedAt ?? Infinity) - (b.startedAt ?? Infinity) || (a.id < b.id ? -1 : 1),
    );
  }

  /** Those of which nothing but events is known. */
  get nameless(): readonly string[] {
    return [...this.tasks.values()].filter(({ name }) => name === undefined).map(({ id }) => id);
  }

  /** There was no room for some. */
  get isFull(): boolean {
    return this.full;
  }

  private put(task: WatchedTask, before: WatchedTask | undefined): boolean {
    const watched = this.isWatched(task);
    if (!before && !watched) return false;
    if (!before && this.tasks.size >= MOST) {
      this.full = true;
      return true;
    }
    const leftAt = watched ? undefined : (before?.leftAt ?? Date.now());
    this.tasks.set(task.id, { ...task, leftAt });
    return true;
  }
}

/** What the kinds of events say beside their status. */
function ofEvent(event: TaskListenerData): Partial<WatchedTask> {
  switch (event.event) {
    case 'created':
      return { name: textOf(event['name']) };
    case 'started':
      return {
        workerId: textOf(event['workerId']),
        startedAt: event.at,
        message: undefined,
        error: undefined,
      };
    case 'progress':
      return { message: textOf(event['message']) };
    case 'retry':
      return { progress: 0, error: undefined, message: undefined };
    case 'completed':
      return { progress: 100 };
    case 'failed':
    case 'error':
      return { error: textOf(event['error']) };
    case 'lease_expired':
    case 'released':
      return { workerId: undefined };
    default:
      return {};
  }
}

/** Of a failed task: only the failure itself says it; what follows it leaves it so. */
function willRetry(event: TaskListenerData, before: WatchedTask | undefined): boolean {
  if (event.event === 'failed') return event['willRetry'] === true;
  return before?.over === false;
}

function isOver(status: TaskStatus, retries: boolean): boolean {
  if (status === 'failed') return !retries;
  return status === 'completed' || status === 'cancelled' || status === 'deleted';
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);
