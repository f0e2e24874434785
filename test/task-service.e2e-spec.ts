import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Json, type TaskInfo, TaskManager, TaskService } from '@taskmanager/client';
import { type Service, startService } from './service.js';

/** The tasks of one app as its program sees them, against the real service. */

const TYPE = 'service_test';
const GONE = '00000000-0000-4000-8000-000000000000';

let service: Service;
let client: TaskManager;
let tasks: TaskService;
let other: TaskService;
let errors: unknown[];
let onError: (error: unknown) => void;
let apps = 0;

beforeAll(async () => {
  service = await startService();
  client = await TaskManager.connect({
    transport: 'tcp',
    port: service.port,
    actor: 'mia',
    onError: (error) => onError(error),
  });
});

afterAll(async () => {
  await client?.close();
  await service?.close();
});

/** Each test has apps of its own. */
beforeEach(() => {
  errors = [];
  onError = (error) => void errors.push(error);
  tasks = new TaskService(client, { appName: `shop-${++apps}` });
  other = new TaskService(client, { appName: `other-${apps}` });
});

const ids = (found: readonly TaskInfo[]) => found.map(({ id }) => id);

async function running(type = TYPE): Promise<string> {
  const id = await tasks.createTask(type);
  await tasks.setRunning(id);
  return id;
}

async function completed(of: TaskService = tasks): Promise<string> {
  const id = await of.createTask(TYPE);
  await of.setRunning(id);
  await of.complete(id);
  return id;
}

describe('a task that its program drives', () => {
  it('is run by the app, belongs to it, and is called like its type unless it has a name', async () => {
    const id = await tasks.createTask(TYPE);
    const appName = `shop-${apps}`;
    const plain = { name: TYPE, taskType: TYPE, appName, runBy: 'app', status: 'pending' };
    expect(await tasks.getTask(id)).toMatchObject({ ...plain, persistent: false });
    const named = await tasks.createTask(TYPE, { name: 'Paint', data: { n: 1 }, priority: 3 });
    expect(await tasks.getTask(named)).toMatchObject({
      name: 'Paint',
      data: { n: 1 },
      priority: 3,
      runBy: 'app',
    });
    const persistent = await tasks.createPersistentTask(TYPE);
    expect(await tasks.getTask(persistent)).toMatchObject({ ...plain, persistent: true });
    const withInput = await tasks.createPersistentTaskWithInput(TYPE, { file: 'a' }, 7);
    expect(await tasks.getTask(withInput)).toMatchObject({
      ...plain,
      persistent: true,
      input: { file: 'a' },
      maxRetries: 7,
    });
  });

  it('runs, says how far it is, and completes with its result', async () => {
    const id = await running();
    await tasks.updateProgress(id, 40, 'mixing');
    expect(await tasks.getTask(id)).toMatchObject({
      status: 'running',
      progress: 40,
      message: 'mixing',
    });
    expect(await tasks.complete(id, { litres: 2 })).toMatchObject({ status: 'completed' });
    expect(await tasks.getTask(id)).toMatchObject({ progress: 100, result: { litres: 2 } });
    await expect(tasks.complete(id)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
  });

  it('does not begin while somebody has paused it', async () => {
    const id = await tasks.createTask(TYPE);
    await client.pauseTask(id);
    await expect(tasks.setRunning(id)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
  });

  it('that it cancels has stopped, whoever cancelled it first', async () => {
    const stopped = { status: 'cancelled', cancelAcknowledged: true };
    const own = await running();
    await tasks.cancel(own);
    expect(await tasks.getTask(own)).toMatchObject(stopped);
    const others = await running();
    expect(await tasks.cancelTask(others)).toBe(true);
    expect(await tasks.getTask(others)).toMatchObject({ cancelAcknowledged: false });
    await tasks.cancel(others);
    expect(await tasks.getTask(others)).toMatchObject(stopped);
    await expect(tasks.cancel(await completed())).rejects.toMatchObject({
      code: 'INVALID_TRANSITION',
    });
  });
});

describe('cancelTask', () => {
  it('is true when this call cancelled the task, and false when it could not or was not there', async () => {
    const id = await running();
    expect(await tasks.cancelTask(id)).toBe(true);
    expect(await tasks.cancelTask(id)).toBe(false);
    expect(await tasks.cancelTask(await completed())).toBe(false);
    expect(await tasks.cancelTask(GONE)).toBe(false);
    await expect(tasks.cancelTask('no id')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('is true for one of those who cancel at once', async () => {
    const id = await running();
    const answers = await Promise.all([1, 2, 3, 4].map(() => tasks.cancelTask(id)));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});

describe('retryTask', () => {
  it('answers the task, pending again, and nothing when it may not be retried', async () => {
    const id = await tasks.createPersistentTaskWithInput(TYPE, null, 1, {
      retryDelayMs: 3_600_000,
    });
    await tasks.setRunning(id);
    expect(await tasks.retryTask(id)).toBeUndefined();
    await tasks.fail(id, 'no paint');
    expect(await tasks.retryTask(id)).toMatchObject({ id, status: 'pending', retryCount: 1 });
    await tasks.setRunning(id);
    await tasks.fail(id, 'again');
    expect(await tasks.retryTask(id)).toBeUndefined();
    expect(await tasks.retryTask(GONE)).toBeUndefined();
  });
});

describe('the app', () => {
  it('lists its own tasks, newest first, of one type or all', async () => {
    await other.createTask(TYPE);
    const first = await tasks.createTask(TYPE);
    const second = await tasks.createTask('another_type');
    expect(ids(await tasks.listTasks())).toEqual([second, first]);
    expect(ids(await tasks.listTasks(TYPE))).toEqual([first]);
    expect(await tasks.listTasks('no_such_type')).toEqual([]);
  });

  it('loads its own work to take up again, all of it, and what may be retried', async () => {
    const wanted = [];
    for (let n = 0; n < 3; n++) wanted.push(await tasks.createPersistentTask(TYPE));
    await tasks.setRunning(wanted[1]!);
    await tasks.createTask(TYPE);
    await other.createPersistentTask(TYPE);
    const failed = await tasks.createPersistentTaskWithInput(TYPE, null, 1, {
      retryDelayMs: 3_600_000,
    });
    await tasks.setRunning(failed);
    await tasks.fail(failed, 'later');
    expect(ids(await tasks.loadPersistentTasks())).toEqual(wanted);
    expect(ids(await tasks.loadRetryableTasks())).toEqual([failed]);
    expect(await other.loadRetryableTasks()).toEqual([]);
  });

  it('cleans up its own tasks that have ended, and sees that they are gone', async () => {
    await Promise.all([completed(), completed(), running().then((id) => tasks.fail(id, 'no'))]);
    const open = await tasks.createTask(TYPE);
    const others = await completed(other);
    expect(await tasks.cleanupTasks()).toBe(0);
    expect(await tasks.cleanupTasks(0)).toBe(3);
    expect(ids(await tasks.listTasks())).toEqual([open]);
    expect(ids(await other.listTasks())).toEqual([others]);
  });
});

describe('a listener', () => {
  /** Every payload that comes, by the name of its listener, until `count` are there. */
  async function hear(of: TaskService) {
    const heard: [string, unknown][] = [];
    let wake = () => {};
    const note = (name: string) => (payload: unknown) => {
      heard.push([name, payload]);
      wake();
    };
    const unlisten = await Promise.all([
      of.onTaskCompleted(note('completed')),
      of.onTaskFailed(note('failed')),
      of.onTaskCancelled(note('cancelled')),
      of.onTaskProgress(note('progress')),
      of.onTaskRetry(note('retry')),
    ]);
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        wake = () => heard.length >= count && resolve();
        wake();
      });
    return { heard, until, unlisten };
  }

  it('is told of each event with these fields and no others', async () => {
    const { heard, until, unlisten } = await hear(tasks);
    const named = async (result?: Json) => {
      const id = await running();
      await tasks.complete(id, result);
      return { taskId: id, taskType: TYPE };
    };
    const withResult = await named({ litres: 2 });
    const withNull = await named(null);
    const without = await named();
    const id = await tasks.createPersistentTaskWithInput(TYPE, null, 2, {
      retryDelayMs: 3_600_000,
    });
    const it = { taskId: id, taskType: TYPE };
    await tasks.setRunning(id);
    await tasks.updateProgress(id, 10);
    await tasks.updateProgress(id, 20, 'mixing');
    await tasks.fail(id, 'no paint');
    await tasks.retryTask(id);
    await tasks.cancelTask(id);
    await until(8);
    expect(heard).toStrictEqual([
      ['completed', { ...withResult, result: { litres: 2 } }],
      ['completed', { ...withNull, result: null }],
      ['completed', without],
      ['progress', { ...it, progress: 10 }],
      ['progress', { ...it, progress: 20, message: 'mixing' }],
      ['failed', { ...it, error: 'no paint' }],
      ['retry', { ...it, retryCount: 1, maxRetries: 2 }],
      ['cancelled', it],
    ]);
    for (const stop of unlisten) stop();
  });

  it('hears of no other app, and of nothing after it was taken away', async () => {
    const mine = await hear(tasks);
    const theirs = await hear(other);
    await completed();
    await completed(other);
    await Promise.all([mine.until(1), theirs.until(1)]);
    for (const stop of mine.unlisten) stop();
    const id = await running();
    await tasks.complete(id);
    await completed(other);
    await theirs.until(2);
    expect(mine.heard).toHaveLength(1);
    for (const stop of theirs.unlisten) stop();
  });

  it('that throws is told to onError, and hears on, as the others do', async () => {
    const { until, unlisten } = await hear(tasks);
    const allTold = new Promise<void>((resolve) => {
      onError = (error) => {
        if (errors.push(error) === 4) resolve();
      };
    });
    const stops = await Promise.all([
      tasks.onTaskCompleted(() => {
        throw new Error('sync');
      }),
      tasks.onTaskCompleted(async () => {
        throw new Error('async');
      }),
    ]);
    await completed();
    await completed();
    await Promise.all([until(2), allTold]);
    const told = errors.map((error) => (error as Error).message).sort();
    expect(told).toEqual(['async', 'async', 'sync', 'sync']);
    for (const stop of [...unlisten, ...stops]) stop();
  });
});
