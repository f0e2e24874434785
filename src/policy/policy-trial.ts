import type { PolicyChange, PolicyReport, RetryDecision } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import {
  type EventLog,
  LogUnavailable,
  type RecordedEvent,
  streamPages,
} from '../event-store/index.js';
import { decodeTaskEvent, TASK_STREAM_PREFIX, TaskFailed } from '../events/index.js';
import { FirstFew } from '../jobs/index.js';
import type { ReplayWork } from '../processing/index.js';
import { evolve, failed, retryDelay, type Task } from '../task/index.js';

/** Events that are looked at for failures in one go. */
const PAGE = 500;
const STREAM_PAGE = 200;
const MOST_LISTED = 1_000;
const MOST_BYTES = 512 * 1024;
/**
 * Tasks of which the state at their last failure is kept, for most fail again soon, and characters of their
 * JSON text: payloads may be large.
 */
const KEPT_TASKS = 1_000;
const KEPT_CHARS = 32 * 1024 * 1024;

/** What stands in for what the tasks were created with. */
export type Policy = Partial<Pick<Task, 'maxRetries' | 'retryDelayMs' | 'backoff'>>;

/** What ends a failure: behind it no retry is scheduled for it any more. */
const OVER: readonly string[] = [
  'TaskRetried',
  'TaskFailed',
  'TaskCancelled',
  'TaskDeleted',
] satisfies ReturnType<typeof decodeTaskEvent>['event']['type'][];

/**
 * Decides every recorded failure again, as the deciders of this release do, each in the state that the
 * task was in, and lists what differs from what was recorded. Reads only. What would have followed from
 * another decision, more attempts or fewer, is not made up: only what did happen is decided again.
 */
export async function decideAgain(
  log: EventLog,
  policy: Policy,
  taskTypes: readonly string[] | undefined,
  work: ReplayWork,
): Promise<PolicyReport> {
  const changes = new FirstFew<PolicyChange>(MOST_LISTED, MOST_BYTES);
  let [failures, unreadable, looked] = [0, 0, 0];
  const states = new LRUCache<string, Task>({
    max: KEPT_TASKS,
    maxSize: KEPT_CHARS,
    sizeCalculation: (task) => JSON.stringify(task).length,
  });
  const end = await log.head();
  let after: RecordedEvent['position'] | undefined;
  for (let isDone = end === undefined; !isDone;) {
    const filter = { types: [TaskFailed.type], streamPrefix: TASK_STREAM_PREFIX };
    const page = await log.readAll({ ...(after && { after }), filter, limit: PAGE });
    for (const record of page.events) {
      if (record.position > (end ?? '')) break;
      looked += 1;
      const change = await again(log, record, policy, taskTypes, states, work);
      if (change === 'of another type') continue;
      failures += 1;
      if (change === 'unreadable') unreadable += 1;
      else if (change) changes.add(change);
      await work.turn();
    }
    after = page.position;
    isDone = page.end || after === undefined || after >= (end ?? '');
    work.report({ step: 'decide', done: looked, unit: 'failures' });
    await work.turn();
  }
  return { failures, unreadable, changes: changes.items, changeCount: changes.count };
}

/** Undefined when it is decided as it was. */
async function again(
  log: EventLog,
  record: RecordedEvent,
  policy: Policy,
  taskTypes: readonly string[] | undefined,
  states: LRUCache<string, Task>,
  work: ReplayWork,
): Promise<PolicyChange | 'of another type' | 'unreadable' | undefined> {
  let stored: ReturnType<typeof decodeTaskEvent>;
  let task: Task | undefined;
  let scheduled: { readonly delayMs?: number } = {};
  try {
    stored = decodeTaskEvent(record);
    const { event, metadata } = stored;
    if (taskTypes && !taskTypes.includes(metadata.taskType)) return 'of another type';
    task = await stateBefore(log, record, states, work);
    if (task) states.set(record.stream, evolve(task, stored));
    if (event.type === 'TaskFailed' && event.data.willRetry) {
      scheduled = await scheduledDelay(log, record, metadata.timestamp, work);
    }
  } catch (error) {
    // Says nothing of the event; and that the job is to end is said again at its next turn.
    if (error instanceof LogUnavailable) throw error;
    return 'unreadable';
  }
  const { taskId, revision, event, metadata } = stored;
  if (!task || event.type !== 'TaskFailed') return 'unreadable';
  const { error, retryable, willRetry } = event.data;
  const now = decide({ ...task, ...policy }, record.id, error, retryable);
  const recorded = { willRetry, ...scheduled };
  // What was never scheduled, because somebody was quicker, cannot have been scheduled otherwise.
  const sameDelay = recorded.delayMs === undefined || recorded.delayMs === now.delayMs;
  if (recorded.willRetry === now.willRetry && (!willRetry || sameDelay)) return undefined;
  const { taskType, appName } = metadata;
  const at = metadata.timestamp;
  return { taskId, taskType, appName, revision, at, attempt: task.attempt, recorded, now };
}

function decide(task: Task, eventId: string, error: string, retryable: boolean): RetryDecision {
  const { willRetry } = failed(task, error, retryable).data;
  return { willRetry, ...(willRetry && { delayMs: retryDelay(task, eventId) }) };
}

async function stateBefore(
  log: EventLog,
  { stream, revision }: RecordedEvent,
  states: LRUCache<string, Task>,
  work: ReplayWork,
): Promise<Task | undefined> {
  let task = states.get(stream);
  for (let from = BigInt((task?.revision ?? -1) + 1); from < revision;) {
    const left = Number(revision - from);
    const page = await log.readStream(stream, { from, limit: Math.min(STREAM_PAGE, left) });
    for (const record of page) task = evolve(task, decodeTaskEvent(record));
    if (page.length === 0) break;
    from += BigInt(page.length);
    await work.turn();
  }
  return task;
}

/** Of the retry that was scheduled for this failure, from the failure on. */
async function scheduledDelay(
  log: EventLog,
  { stream, revision }: RecordedEvent,
  failedAt: number,
  work: ReplayWork,
): Promise<{ readonly delayMs?: number }> {
  for await (const page of streamPages(log, stream, revision + 1n)) {
    for (const record of page) {
      if (OVER.includes(record.type)) return {};
      if (record.type !== 'TaskRetryScheduled') continue;
      const { event } = decodeTaskEvent(record);
      return event.type === 'TaskRetryScheduled' ? { delayMs: event.data.dueAt - failedAt } : {};
    }
    await work.turn();
  }
  return {};
}
