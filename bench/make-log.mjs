/**
 * Fills an event log through the service's own code: decided, hashed and appended like any command,
 * only without the transport. Events of different tasks are interleaved round-robin.
 */
import { applyEvents } from '../dist/commands/decision.js';
import { emptyStream } from '../dist/commands/task-snapshot.js';
import { taskIdOfKey, uuidV5 } from '../dist/context/index.js';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCancelled,
  TaskCompleted,
  TaskCreated,
  TaskFailed,
  TaskStarted,
  taskStream,
} from '../dist/events/index.js';
import { SqliteEventLog } from '../dist/event-store/sqlite/index.js';

const START = Date.UTC(2026, 0, 1);
const TYPES = Array.from({ length: 10 }, (_, n) => `type_${n}`);
const APPS = Array.from({ length: 5 }, (_, n) => `app-${n}`);
const ACTOR = { id: 'bench', roles: ['client'], verified: false };
const APPENDS_AT_ONCE = 500;

/** The same for every run: what a task of this number is. */
export const typeOf = (n) => TYPES[n % TYPES.length];
export const appOf = (n) => APPS[Math.floor(n / TYPES.length) % APPS.length];
export const idOf = (n) => taskIdOfKey('bench', String(n));

const created = (n) =>
  new TaskCreated({
    name: `build package-${n % 5_000} of shard ${n % 97}`,
    taskType: typeOf(n),
    appName: appOf(n),
    runBy: n % 3 === 0 ? 'worker' : 'app',
    data: { packages: [`package-${n}`], target: 'registry' },
    persistent: n % 4 === 0,
    maxRetries: 3,
    retryDelayMs: 1_000,
    backoff: { type: 'fixed' },
    priority: n % 10,
    labels: { team: `team-${n % 50}`, region: `region-${n % 7}` },
  });
const started = () => new TaskStarted({ attempt: 1 });
const progress = (done, total) =>
  new ProgressUpdated({
    progress: Math.floor((100 * done) / total),
    completedItems: done,
    totalItems: total,
    message: `chunk ${done} of ${total}`,
  });

/** A whole life in exactly `count` events: created, started, progress, completed. */
export const wholeLife = (count) => (n, step) => {
  if (step === 0) return created(n);
  if (step === 1) return started();
  if (step < count - 1) return progress(step - 1, count - 2);
  return step === count - 1 ? new TaskCompleted({ result: { published: n } }) : undefined;
};

/** A mixed population: most tasks are completed, some are in every other status. */
export const mixed = (n, step) => {
  if (step === 0) return created(n);
  const kind = n % 20;
  if (kind === 0) return undefined;
  if (kind === 1) return step === 1 ? new TaskCancelled({ reason: 'not wanted' }) : undefined;
  if (step === 1) return started();
  if (step > 2 || kind === 2) return undefined;
  if (kind === 3) {
    return new TaskApprovalRequested({
      approvers: [`approver-${n % 30}`],
      quorum: 1,
      allowSelf: true,
      onApproved: 'resume',
    });
  }
  if (kind === 4) {
    return new TaskFailed({
      error: `chunk ${n % 1_000} is broken`,
      retryable: true,
      willRetry: false,
    });
  }
  return new TaskCompleted({ result: { published: n } });
};

/** Fills a new log in a file, see `fillLog`. */
export async function makeLog(file, options) {
  const log = SqliteEventLog.open({ file });
  try {
    return await fillLog(log, options);
  } finally {
    await log.close();
  }
}

/**
 * @param life `(task number, step) → event`, undefined when the task has no more
 * @returns how many events were appended
 */
export async function fillLog(log, { tasks, life, onProgress }) {
  const streams = new Map();
  let appended = 0;
  let now = START;
  for (let step = 0, live = Array.from({ length: tasks }, (_, n) => n); live.length > 0; step++) {
    const next = [];
    let pending = [];
    for (const n of live) {
      const event = life(n, step);
      if (!event) {
        streams.delete(n);
        continue;
      }
      next.push(n);
      const taskId = idOf(n);
      const stream = streams.get(n) ?? { ...emptyStream(), remembered: undefined };
      const commandId = uuidV5(taskId, String(step));
      const { events, after } = applyEvents(taskId, stream, [event], {
        actor: ACTOR,
        commandId,
        correlationId: commandId,
        causationId: commandId,
        transport: 'internal',
        resent: false,
        now: now++,
      });
      streams.set(n, after);
      const expected = step === 0 ? 'no_stream' : BigInt(step - 1);
      pending.push(log.append(taskStream(taskId), expected, events));
      appended++;
      if (pending.length === APPENDS_AT_ONCE) {
        await Promise.all(pending);
        pending = [];
        onProgress?.(appended);
      }
    }
    await Promise.all(pending);
    live = next;
  }
  return appended;
}
