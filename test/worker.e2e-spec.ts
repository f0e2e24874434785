import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Json,
  PermanentTaskError,
  type RunningTask,
  type TaskHandler,
  type TaskInfo,
  type TaskLog,
  TaskManager,
  TaskStopped,
  TaskWorker,
  type TaskWorkerOptions,
} from '@taskmanager/client';
import { setTimeout as delay } from 'node:timers/promises';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

/** A worker as a program uses it, against the real service; what it does to tasks is read from their history. */

const LIMIT_MS = 10_000;

let broker: Broker;
let service: Service;

beforeAll(async () => {
  broker = await startBroker();
  service = await startService({ NATS_URL: broker.url });
  await service.nats;
});

afterAll(async () => {
  await service?.close();
  await broker?.stop();
});

describe.each(['tcp', 'nats'] as const)('a worker over %s', (transport) => {
  let client: TaskManager;
  const open: { stop(options: { now: boolean }): Promise<void> }[] = [];
  let types = 0;

  const connect = (actor: string) =>
    transport === 'tcp'
      ? TaskManager.connect({ transport, port: service.port, actor, appName: 'app' })
      : TaskManager.connect({ transport, servers: broker.url, actor, appName: 'app' });

  beforeAll(async () => {
    client = await connect('operator');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((worker) => worker.stop({ now: true })));
  });
  afterAll(() => client?.close());

  /** A type that no other test has tasks of. */
  const newType = () => `work_${transport}_${++types}`;

  const create = (taskType: string, further: object = {}) =>
    client.createTask(taskType, taskType, 'app', undefined, { runBy: 'worker', ...further });

  function work(
    taskType: string,
    handler: TaskHandler,
    { concurrency, ...options }: TaskWorkerOptions & { concurrency?: number } = {},
  ): TaskWorker {
    const worker = new TaskWorker(client, { log: NO_LOG, ...options });
    worker.handle(taskType, handler, concurrency === undefined ? {} : { concurrency });
    worker.start();
    open.push(worker);
    return worker;
  }

  async function until(id: string, isSo: (task: TaskInfo) => boolean): Promise<TaskInfo> {
    const deadline = performance.now() + LIMIT_MS;
    for (;;) {
      const task = await client.getTask(id);
      if (isSo(task)) return task;
      if (performance.now() > deadline) throw new Error(`It stays: ${JSON.stringify(task)}`);
      await delay(10);
    }
  }
  const status = (id: string, wanted: string) => until(id, (task) => task.status === wanted);

  async function eventsOf(id: string): Promise<string[]> {
    const types: string[] = [];
    for await (const { type } of client.taskHistory(id)) types.push(type);
    return types;
  }

  it('claims a task, runs its handler and completes it with what that resolves to', async () => {
    const type = newType();
    work(type, async (task) => {
      task.progress({ completedItems: 1, totalItems: 2 }, 'half');
      await task.saveCheckpoint({ at: 1 });
      return { twice: (task.input as number) * 2, attempt: task.attempt };
    });
    const id = await create(type, { input: 21 });
    expect(await status(id, 'completed')).toMatchObject({
      result: { twice: 42, attempt: 1 },
      checkpoint: { at: 1 },
      message: 'half',
    });
    expect(await eventsOf(id)).toEqual([
      'TaskCreated',
      'TaskStarted',
      'ProgressUpdated',
      'TaskLeaseRenewed',
      'TaskCompleted',
    ]);
  });

  it('completes a task without a result when the handler resolves to nothing', async () => {
    const type = newType();
    work(type, () => undefined);
    expect(await status(await create(type), 'completed')).not.toHaveProperty('result');
  });

  it('runs no more at once than the type has slots, and several at once', async () => {
    const type = newType();
    const gate = gateOf();
    let [running, most] = [0, 0];
    const ids = await Promise.all(Array.from({ length: 7 }, () => create(type)));
    work(
      type,
      async () => {
        most = Math.max(most, ++running);
        if (running === 3) gate.open();
        await gate.opened;
        running--;
      },
      { concurrency: 3 },
    );
    for (const id of ids) await status(id, 'completed');
    expect(most).toBe(3);
  });

  it('sends at most one progress in 100 ms, and always the last, in front of the end', async () => {
    const type = newType();
    work(type, async (task) => {
      for (let n = 1; n <= 50; n++) {
        task.progress({ completedItems: n, totalItems: 100 });
        await delay(1);
      }
    });
    const id = await create(type);
    await status(id, 'completed');
    const done: unknown[] = [];
    for await (const { type: name, data } of client.taskHistory(id)) {
      if (name === 'ProgressUpdated') done.push(data['completedItems']);
    }
    expect(done[0]).toBe(1);
    expect(done.at(-1)).toBe(50);
    expect(done.length).toBeLessThan(10);
  });

  it('fails a task with the message of what was thrown, and runs its retry', async () => {
    const type = newType();
    work(type, (task) => {
      if (task.attempt === 1) throw new Error('the disk is full');
      return task.attempt;
    });
    const id = await create(type, { persistent: true, retryDelayMs: 1 });
    expect(await status(id, 'completed')).toMatchObject({ result: 2, retryCount: 1 });
    for await (const { type: name, data } of client.taskHistory(id)) {
      if (name === 'TaskFailed') expect(data).toMatchObject({ error: 'the disk is full' });
    }
  });

  it('does not have a task retried whose handler threw a PermanentTaskError', async () => {
    const type = newType();
    work(type, () => {
      throw new PermanentTaskError('there is no such branch');
    });
    const id = await create(type, { persistent: true, retryDelayMs: 1 });
    expect(await status(id, 'failed')).toMatchObject({
      error: 'there is no such branch',
      retryCount: 0,
    });
    expect((await eventsOf(id)).at(-1)).toBe('TaskFailed');
  });

  it.each([
    ['not JSON', () => ({ n: 1n }) as unknown as Json],
    ['too large', () => 'x'.repeat(200_000)],
  ])('fails a task for good whose result is %s', async (_name, result) => {
    const type = newType();
    work(type, result);
    const id = await create(type, { persistent: true, retryDelayMs: 1 });
    expect(await status(id, 'failed')).toMatchObject({
      error: expect.stringContaining('The result was refused'),
      retryCount: 0,
    });
  });

  describe('cancel', () => {
    it('fires the signal with the reason and is acknowledged when the handler has ended', async () => {
      const type = newType();
      const [started, mayEnd] = [gateOf(), gateOf()];
      let reason: unknown;
      work(type, async (task) => {
        started.open();
        await stoppedBy(task);
        reason = task.signal.reason;
        await mayEnd.opened;
        throw task.signal.reason;
      });
      const id = await create(type);
      await started.opened;
      await client.cancelTask(id, { reason: 'nobody wants it' });
      expect(await client.getTask(id)).toMatchObject({ cancelAcknowledged: false });
      mayEnd.open();
      await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
      expect(reason).toBeInstanceOf(TaskStopped);
      expect(reason).toMatchObject({ kind: 'cancelled', statedReason: 'nobody wants it' });
      expect((await eventsOf(id)).slice(-2)).toEqual(['TaskCancelled', 'TaskCancelAcknowledged']);
    });

    it('says when the task was deleted, not cancelled', async () => {
      const type = newType();
      const [started, kind] = [gateOf(), gateOf<string>()];
      work(type, async (task) => {
        started.open();
        await stoppedBy(task);
        kind.open((task.signal.reason as TaskStopped).kind);
      });
      const id = await create(type);
      await started.opened;
      await client.deleteTask(id);
      expect(await kind.opened).toBe('deleted');
    });

    it('refuses and records a result that comes after it', async () => {
      const type = newType();
      const started = gateOf();
      work(type, async (task) => {
        started.open();
        await stoppedBy(task);
        return 'too late';
      });
      const id = await create(type);
      await started.opened;
      await client.cancelTask(id);
      const task = await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
      expect(task).toMatchObject({ status: 'cancelled' });
      expect(task).not.toHaveProperty('result');
    });
  });

  describe('pause', () => {
    it('stops a handler at its next pause point; another worker goes on from the checkpoint', async () => {
      const type = newType();
      const [started, paused, busy, over] = [gateOf(), gateOf(), gateOf(), gateOf()];
      work(type, async (task) => {
        if (task.name === 'other') {
          busy.open();
          return over.opened;
        }
        await task.pausePoint({ page: 0 });
        started.open();
        await paused.opened;
        await task.pausePoint({ page: 7 });
        return 'not reached';
      });
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id);
      expect(await client.getTask(id)).toMatchObject({ pauseAcknowledged: false });
      paused.open();
      await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
      // Its slot was given up: it takes another task.
      await client.createTask('other', type, 'app', undefined, { runBy: 'worker' });
      await busy.opened;
      work(type, (task) => ({ from: task.checkpoint ?? null }));
      await client.resumeTask(id);
      expect(await status(id, 'completed')).toMatchObject({ result: { from: { page: 7 } } });
      over.open();
    });

    it('aborts a handler without pause points, and hands it out anew after the resume', async () => {
      const type = newType();
      const started = gateOf();
      let kind: unknown;
      work(type, async (task) => {
        if (task.attempt > 1) return task.attempt;
        started.open();
        await stoppedBy(task);
        kind = (task.signal.reason as TaskStopped).kind;
        return undefined;
      });
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id, { reason: 'lunch' });
      await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
      expect(kind).toBe('paused');
      await client.resumeTask(id);
      expect(await status(id, 'completed')).toMatchObject({ result: 2 });
    });

    it('aborts a handler that reaches no pause point within the grace', async () => {
      const type = newType();
      const started = gateOf();
      work(
        type,
        async (task) => {
          await task.pausePoint();
          started.open();
          await stoppedBy(task);
        },
        { pauseGraceMs: 50 },
      );
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id);
      await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
    });

    it('is as if it had not been when it is resumed before the handler noticed', async () => {
      const type = newType();
      const [started, resumed] = [gateOf(), gateOf()];
      let task: RunningTask | undefined;
      work(type, async (running) => {
        task = running;
        await running.pausePoint();
        started.open();
        await resumed.opened;
        await running.pausePoint();
        return running.signal.aborted;
      });
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id);
      await client.resumeTask(id);
      await hasHeardOf(task!, 3);
      resumed.open();
      expect(await status(id, 'completed')).toMatchObject({ result: false, attempt: 1 });
    });

    it('does not keep a handler from completing that has finished its work', async () => {
      const type = newType();
      const [started, paused] = [gateOf(), gateOf()];
      work(type, async (task) => {
        await task.pausePoint();
        started.open();
        await paused.opened;
        return 'done';
      });
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id);
      paused.open();
      expect(await status(id, 'completed')).toMatchObject({ result: 'done' });
    });
  });
});

const NO_LOG: TaskLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function gateOf<T = void>() {
  let open!: (value: T) => void;
  const opened = new Promise<T>((resolve) => (open = resolve));
  return { open, opened };
}

function stoppedBy({ signal }: RunningTask): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function hasHeardOf(task: RunningTask, revision: number): Promise<void> {
  const { stop } = task as unknown as { stop: { revision: number } };
  const deadline = performance.now() + LIMIT_MS;
  while (stop.revision < revision) {
    if (performance.now() > deadline) throw new Error(`It has heard up to ${stop.revision}`);
    await delay(5);
  }
}
