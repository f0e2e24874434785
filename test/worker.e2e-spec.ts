import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type FeedEvent,
  type Json,
  PermanentTaskError,
  type RunningTask,
  type TaskHandler,
  type TaskInfo,
  type TaskLog,
  TaskManager,
  TaskManagerError,
  TaskStopped,
  TaskWorker,
  type TaskWorkerOptions,
  type WorkerClient,
} from '@taskmanager/client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Broker, freePort, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

/** A worker as a program uses it, against the real service; what it does to tasks is read from their history. */

const LIMIT_MS = 10_000;

type WorkOptions = TaskWorkerOptions & { concurrency?: number; through?: WorkerClient };

/** In place of `it`: a test that is not declared. */
const NOT_AGAIN = Object.assign(() => undefined, {
  each: () => () => undefined,
}) as unknown as typeof it;

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

  /** Declares a test of what a transport can make no difference to. */
  const once = transport === 'tcp' ? it : NOT_AGAIN;

  /** A type that no other test has tasks of. */
  const newType = () => `work_${transport}_${++types}`;

  const create = (taskType: string, further: object = {}) =>
    client.createTask(taskType, taskType, 'app', undefined, { runBy: 'worker', ...further });

  function work(
    taskType: string,
    handler: TaskHandler,
    { concurrency, through = client, ...options }: WorkOptions = {},
  ): TaskWorker {
    const worker = new TaskWorker(through, { log: NO_LOG, ...options });
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

  once('completes a task without a result when the handler resolves to nothing', async () => {
    const type = newType();
    work(type, () => undefined);
    expect(await status(await create(type), 'completed')).not.toHaveProperty('result');
  });

  once('runs no more at once than the type has slots, and several at once', async () => {
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

  once(
    'sends at most one progress in 100 ms, and always the last, in front of the end',
    async () => {
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
    },
  );

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

  once('does not have a task retried whose handler threw a PermanentTaskError', async () => {
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

  once.each([
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

    once('says when the task was deleted, not cancelled', async () => {
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

    once('refuses and records a result that comes after it', async () => {
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
      const [refusal] = await service.log.readStream(`refused-${id}`, { limit: 10 });
      expect(JSON.parse(refusal!.data)).toMatchObject({
        command: 'complete_task',
        code: 'INVALID_TRANSITION',
      });
    });
  });

  once('runs no handler for a task that was cancelled before its claim was answered', async () => {
    const type = newType();
    const heard = gateOf();
    let runs = 0;
    const through = overheard(client, {
      onAnswer: (name) => (name === 'claim_tasks' ? heard.opened : undefined),
      onEvent: ({ event }) => {
        if (event === 'cancelled') heard.open();
      },
    });
    work(type, () => void runs++, { through });
    const id = await create(type);
    await status(id, 'running');
    await client.cancelTask(id);
    await until(id, ({ cancelAcknowledged }) => cancelAcknowledged === true);
    expect(runs).toBe(0);
  });

  it('finds the tasks of a claim whose answer was lost', async () => {
    const type = newType();
    let losses = 0;
    const onAnswer = (name: string) => {
      if (name === 'claim_tasks' && losses++ === 0) throw timeout();
    };
    const ids = await Promise.all([create(type), create(type)]);
    work(type, ({ attempt }) => attempt, {
      concurrency: 2,
      through: overheard(client, { onAnswer }),
    });
    for (const id of ids) {
      expect(await status(id, 'completed')).toMatchObject({ result: 1, stallCount: 0 });
    }
    expect(losses).toBeGreaterThan(1);
  });

  once('renews leases by itself', async () => {
    const type = newType();
    const mayEnd = gateOf();
    work(type, () => mayEnd.opened, { leaseMs: 1_000 });
    const id = await create(type);
    await until(id, ({ revision }) => revision >= 3);
    mayEnd.open();
    await status(id, 'completed');
    expect((await eventsOf(id)).slice(2, 4)).toEqual(['TaskLeaseRenewed', 'TaskLeaseRenewed']);
  });

  once('tells a handler that its task is not held any more, and sends nothing of it', async () => {
    const type = newType();
    const [started, kinds] = [gateOf(), gateOf<string[]>()];
    const worker = work(
      type,
      async (task) => {
        if (task.attempt === 2) return 'second';
        started.open();
        await stoppedBy(task);
        await task.saveCheckpoint('late').catch((error: TaskStopped) => {
          kinds.open([(task.signal.reason as TaskStopped).kind, error.kind]);
        });
        return 'first';
      },
      { concurrency: 2 },
    );
    const id = await create(type);
    await started.opened;
    await client.command('release_task', { id, workerId: worker.workerId, leaseEpoch: 1 });
    expect(await kinds.opened).toEqual(['lease_lost', 'lease_lost']);
    expect(await status(id, 'completed')).toMatchObject({ result: 'second', attempt: 2 });
  });

  once(
    'knows that a lease is lost when it claims the same task again before the feed says so',
    async () => {
      const type = newType();
      const [started, kind, claimedAgain] = [gateOf(), gateOf<string>(), gateOf()];
      const deaf = overheard(client, {});
      const through: WorkerClient = {
        ...deaf,
        readEvents: async (request, options) => {
          const page = await deaf.readEvents(request, options);
          if (page.events.length > 0) await claimedAgain.opened;
          return page;
        },
      };
      const handler: TaskHandler = async (task) => {
        if (task.attempt === 2) return 'second';
        started.open();
        await stoppedBy(task);
        kind.open((task.signal.reason as TaskStopped).kind);
        return 'first';
      };
      const worker = work(type, handler, { concurrency: 2, through });
      const id = await create(type);
      await started.opened;
      await client.command('release_task', { id, workerId: worker.workerId, leaseEpoch: 1 });
      expect(await kind.opened).toBe('lease_lost');
      expect(await status(id, 'completed')).toMatchObject({ result: 'second' });
      claimedAgain.open();
    },
  );

  once('asks people, and comes back when they have approved', async () => {
    const type = newType();
    work(type, async (task) => {
      if (task.attempt > 1) return task.checkpoint ?? null;
      await task.saveCheckpoint('before asking');
      return task.requestApproval({ comment: 'Publish?' });
    });
    const id = await create(type);
    await status(id, 'waiting_for_approval');
    await client.approveTask(id);
    expect(await status(id, 'completed')).toMatchObject({ result: 'before asking' });
  });

  describe('stop', () => {
    it('hands a task back at its next pause point; another worker takes it at once', async () => {
      const type = newType();
      const [started, stopped] = [gateOf(), gateOf()];
      const first = work(type, async (task) => {
        started.open();
        await stopped.opened;
        await task.pausePoint({ page: 3 });
      });
      const id = await create(type);
      await started.opened;
      work(type, (task) => ({ from: task.checkpoint ?? null, attempt: task.attempt }));
      const end = first.stop();
      stopped.open();
      await end;
      expect(await status(id, 'completed')).toMatchObject({
        result: { from: { page: 3 }, attempt: 2 },
        stallCount: 0,
      });
      expect(await eventsOf(id)).toContain('TaskReleased');
    });

    once('lets a handler finish that can within the time', async () => {
      const type = newType();
      const [started, stopped] = [gateOf(), gateOf()];
      const worker = work(type, async () => {
        started.open();
        await stopped.opened;
        return 'finished';
      });
      const id = await create(type);
      await started.opened;
      const end = worker.stop();
      stopped.open();
      await end;
      expect(await client.getTask(id)).toMatchObject({ status: 'completed', result: 'finished' });
    });

    once('hands back what does not end, with its checkpoint', async () => {
      const type = newType();
      const [started, kind] = [gateOf(), gateOf<string>()];
      const worker = work(
        type,
        async (task) => {
          await task.pausePoint('here');
          task.signal.addEventListener('abort', () => {
            kind.open((task.signal.reason as TaskStopped).kind);
          });
          started.open();
          await new Promise(() => undefined);
        },
        { shutdownMs: 10 },
      );
      const id = await create(type);
      await started.opened;
      const end = worker.stop();
      expect(await kind.opened).toBe('shutdown');
      // Its last moment is not waited for: it does not end.
      await worker.stop({ now: true });
      await end;
      expect(await client.getTask(id)).toMatchObject({ status: 'pending', checkpoint: 'here' });
    });

    once('with now hands back at once what would go on', async () => {
      const type = newType();
      const started = gateOf();
      const worker = work(type, async () => {
        started.open();
        await new Promise(() => undefined);
      });
      const id = await create(type);
      await started.opened;
      const end = worker.stop();
      const before = performance.now();
      await worker.stop({ now: true });
      await end;
      expect(performance.now() - before).toBeLessThan(900);
      expect(await client.getTask(id)).toMatchObject({ status: 'pending', stallCount: 0 });
    });

    it('takes back a claim that waits, and does not wait for it', async () => {
      const claims: unknown[] = [];
      const claimed = gateOf();
      const through: WorkerClient = {
        ...overheard(client, {}),
        command: (name, args, options) => {
          if (name === 'claim_tasks') {
            const { limit, waitMs } = args as { limit?: number; waitMs?: number };
            claims.push({ limit, waitMs, commandId: options?.commandId, retry: options?.retry });
            setImmediate(claimed.open);
          }
          return client.command(name, args, options);
        },
      };
      const worker = work(newType(), () => undefined, { through, concurrency: 5 });
      await claimed.opened;
      const before = performance.now();
      await worker.stop();
      expect(performance.now() - before).toBeLessThan(2_000);
      const commandId = expect.any(String);
      expect(claims).toEqual([
        { limit: 5, waitMs: 25_000, commandId, retry: false },
        {
          limit: 1,
          waitMs: 0,
          commandId: (claims[0] as { commandId: string }).commandId,
          retry: true,
        },
      ]);
    });

    it('hands back what a claim brings that is taken back', async () => {
      const type = newType();
      const stopped = gateOf();
      let claims = 0;
      const onAnswer = async (name: string) => {
        if (name !== 'claim_tasks' || ++claims > 1) return;
        await stopped.opened;
        throw timeout();
      };
      let runs = 0;
      const worker = work(type, () => void runs++, { through: overheard(client, { onAnswer }) });
      const id = await create(type);
      await status(id, 'running');
      const end = worker.stop();
      stopped.open();
      await end;
      expect(await client.getTask(id)).toMatchObject({ status: 'pending', stallCount: 0 });
      expect(runs).toBe(0);
    });
  });

  describe('pause', () => {
    it('stops a handler at its next pause point; another worker goes on from the checkpoint', async () => {
      const type = newType();
      const [started, paused, busy, over] = [gateOf(), gateOf(), gateOf(), gateOf()];
      const heard = gateOf();
      const onEvent = ({ event }: FeedEvent) => {
        if (event === 'paused') heard.open();
      };
      const handler: TaskHandler = async (task) => {
        if (task.name === 'other') {
          busy.open();
          return over.opened;
        }
        await task.pausePoint({ page: 0 });
        started.open();
        await paused.opened;
        await task.pausePoint({ page: 7 });
        return 'not reached';
      };
      work(type, handler, { through: overheard(client, { onEvent }) });
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id);
      await heard.opened;
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

    once(
      'aborts a handler without pause points, and hands it out anew after the resume',
      async () => {
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
      },
    );

    once('aborts a handler that reaches no pause point within the grace', async () => {
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

    once('is as if it had not been when it is resumed before the handler noticed', async () => {
      const type = newType();
      const [started, resumed] = [gateOf(), gateOf()];
      const onEvent = ({ event }: FeedEvent) => {
        if (event === 'resumed') resumed.open();
      };
      const handler: TaskHandler = async (task) => {
        await task.pausePoint();
        started.open();
        await resumed.opened;
        await task.pausePoint();
        return task.signal.aborted;
      };
      work(type, handler, { through: overheard(client, { onEvent }) });
      const id = await create(type);
      await started.opened;
      await client.pauseTask(id);
      await client.resumeTask(id);
      expect(await status(id, 'completed')).toMatchObject({ result: false, attempt: 1 });
    });

    once('does not keep a handler from completing that has finished its work', async () => {
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

describe.each(['tcp', 'nats'] as const)('a worker over %s whose service restarts', (transport) => {
  let folder: string;
  let port: number;
  let own: Service;
  let client: TaskManager;

  const start = async () => {
    own = await startService({ DATA_DIR: folder, TCP_PORT: String(port), NATS_URL: broker.url });
    await own.nats;
  };
  // The broker serves the other service too.
  beforeAll(async () => {
    await service.close();
    folder = mkdtempSync(join(tmpdir(), 'worker-restart-'));
    port = await freePort();
    await start();
    client = await TaskManager.connect(
      transport === 'tcp'
        ? { transport, port, actor: 'operator' }
        : { transport, servers: broker.url, actor: 'operator' },
    );
  });
  afterAll(async () => {
    await client?.close();
    await own?.close();
    rmSync(folder, { recursive: true });
  });

  it('goes on meanwhile and loses nothing; what happens after it is heard', async () => {
    const worker = new TaskWorker(client, { log: NO_LOG });
    const [started, away, hasSaved] = [gateOf(), gateOf(), gateOf()];
    worker.handle('finish', async (task) => {
      await away.opened;
      task.progress(50, 'while it is away');
      await task.saveCheckpoint('saved');
      hasSaved.open();
      return task.signal.aborted;
    });
    worker.handle('cancel', async (task) => {
      started.open();
      await stoppedBy(task);
    });
    worker.start();
    const create = (type: string) =>
      client.createTask(type, type, 'app', undefined, { runBy: 'worker' });
    const [finish, cancel] = [await create('finish'), await create('cancel')];
    await started.opened;
    await own.close();
    away.open();
    const noAnswer = client.getTask(finish, { timeoutMs: 300 });
    await expect(noAnswer).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await start();
    await hasSaved.opened;
    await client.cancelTask(cancel);
    const after = async (id: string, isSo: (task: TaskInfo) => boolean) => {
      for (;;) {
        const task = await client.getTask(id);
        if (isSo(task)) return task;
        await delay(10);
      }
    };
    await after(cancel, ({ cancelAcknowledged }) => cancelAcknowledged === true);
    expect(await after(finish, (task) => task.status === 'completed')).toMatchObject({
      attempt: 1,
      stallCount: 0,
      checkpoint: 'saved',
      message: 'while it is away',
      result: false,
    });
    const next = await create('finish');
    await after(next, ({ status }) => status === 'completed');
    await worker.stop();
  });
});

const NO_LOG: TaskLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What the client says of a command that may have taken effect. */
function timeout(): TaskManagerError {
  return new TaskManagerError('TIMEOUT', 'No answer', { outcome: 'unknown' });
}

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

/**
 * A client that shows what passes through it. What `onAnswer` throws is what the caller gets in place of
 * the answer: an answer that was lost.
 */
function overheard(
  client: TaskManager,
  {
    onAnswer,
    onEvent,
  }: {
    readonly onAnswer?: (command: string) => void | Promise<void>;
    readonly onEvent?: (event: FeedEvent) => void;
  },
): WorkerClient {
  return {
    command: async (name, args, options) => {
      const answer = await client.command(name, args, options);
      await onAnswer?.(name);
      return answer;
    },
    readEvents: async (request, options) => {
      const page = await client.readEvents(request, options);
      // In the turn after the worker has it.
      setImmediate(() => page.events.forEach((event) => onEvent?.(event)));
      return page;
    },
  };
}
