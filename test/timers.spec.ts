import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { CommandExecutor } from '../src/commands/command-executor.js';
import { ExpireClockHandler } from '../src/commands/internal/expire-clock.handler.js';
import { ExpireLeaseHandler } from '../src/commands/internal/expire-lease.handler.js';
import { PerformRetryHandler } from '../src/commands/internal/perform-retry.handler.js';
import { ScheduleRetryHandler } from '../src/commands/internal/schedule-retry.handler.js';
import { RefusalRecorder } from '../src/commands/refusal-recorder.js';
import { TaskStreams } from '../src/commands/task-streams.js';
import { ViewsDatabase } from '../src/database/index.js';
import { MemoryEventLog, MemoryProcessorStore } from '../src/event-store/memory/index.js';
import { TaskFailed, TaskPaused, TaskRetryScheduled, TaskStarted } from '../src/events/index.js';
import { ProcessorRunner } from '../src/processing/index.js';
import { partOfService } from '../src/processing/processing.fixture.js';
import { ProjectionsModule } from '../src/projections/projections.module.js';
import { TaskLog } from '../src/projections/task-log.fixture.js';
import { temporaryFolder } from '../src/projections/views.fixture.js';
import { DeadlinesSaga } from '../src/sagas/deadlines.saga.js';
import { RetrySaga } from '../src/sagas/retry.saga.js';
import type { Task } from '../src/task/index.js';
import { findLimbo, foldLog } from './limbo.js';

/** Timers with everything real but the network: log, view, sagas, commands. */

Logger.overrideLogger(false);
const LONG_MS = 25_000;

describe('timers, with the real view, sagas and commands', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tasks: TaskLog;
  let store: MemoryProcessorStore;
  let app: INestApplicationContext | undefined;

  beforeEach(() => {
    folder = temporaryFolder();
    tasks = new TaskLog(new MemoryEventLog());
    // Everything that is written happened a minute ago.
    tasks.now = Date.now() - 60_000;
    store = new MemoryProcessorStore();
  });
  afterEach(async () => {
    await stop();
    folder.remove();
  });

  async function start(): Promise<void> {
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);

    const { log } = tasks;
    app = await partOfService(
      { log, store, database },
      [ProjectionsModule],
      [
        ...[CommandExecutor, RefusalRecorder, TaskStreams],
        ...[ExpireLeaseHandler, ExpireClockHandler, PerformRetryHandler, ScheduleRetryHandler],
        ...[DeadlinesSaga, RetrySaga],
      ],
    );
    await app.init();
  }

  async function stop(): Promise<void> {
    const database = app?.get(ViewsDatabase, { strict: false });
    await app?.close();
    database?.close();
    app = undefined;
  }

  /** Waits until the tasks of the log, folded anew, are so. */
  async function until(so: (all: readonly Task[]) => boolean): Promise<readonly Task[]> {
    for (const end = Date.now() + LONG_MS; ;) {
      const all = [...(await foldLog(tasks.log)).values()];
      if (so(all)) return all;
      if (Date.now() > end) throw new Error(`Still ${JSON.stringify(all, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const status = (task: Task | undefined) => task?.status;
  const timersStatus = async () =>
    (await app!.get(ProcessorRunner).status()).find(({ name }) => name === 'timers');

  const claim = (leaseMs: number) =>
    new TaskStarted({
      attempt: 1,
      workerId: 'w',
      leaseEpoch: 1,
      leaseExpiresAt: tasks.now + leaseMs,
    });
  const failed = new TaskFailed({ error: 'x', retryable: true, willRetry: true });

  it('move on what fell due while the service was away, and leave alone what did not', async () => {
    const lost = await tasks.create({ runBy: 'worker' });
    await tasks.append(lost, claim(1_000));
    const held = await tasks.create({ runBy: 'worker' });
    await tasks.append(held, claim(3_600_000));
    const queued = await tasks.create({ timeouts: { queueMs: 100 } });
    const again = await tasks.create({ persistent: true });
    await tasks.append(again, new TaskStarted({ attempt: 1 }), failed);
    await tasks.append(again, new TaskRetryScheduled({ attempt: 1, dueAt: tasks.now + 10 }));
    const paused = await tasks.create({ timeouts: { totalMs: 100 } });
    await tasks.append(
      paused,
      new TaskPaused({ statusBefore: 'pending', remaining: { totalMs: 90 } }),
    );
    const limbo = await findLimbo(tasks.log, Date.now());
    expect(limbo.map(({ taskId, why }) => [taskId, why])).toEqual([
      [lost, 'lease'],
      [queued, 'queue clock'],
      [again, 'retry'],
    ]);
    await start();
    const is = (all: readonly Task[], id: string) => status(all.find((task) => task.id === id));
    const moved = await until(
      (all) =>
        is(all, lost) === 'pending' && is(all, queued) === 'failed' && is(all, again) === 'pending',
    );
    expect(is(moved, held)).toBe('running');
    expect(is(moved, paused)).toBe('paused');
    expect(await findLimbo(tasks.log, Date.now())).toEqual([]);
  });

  it('schedule and perform a retry by themselves', async () => {
    await start();
    const id = await tasks.create({ persistent: true, retryDelayMs: 300 });
    tasks.now = Date.now();
    await tasks.append(id, new TaskStarted({ attempt: 1 }), failed);
    const [task] = await until(([only]) => only?.status === 'pending');
    expect(task).toMatchObject({ retryCount: 1 });
    const { events } = await tasks.log.readAll();
    expect(events.map(({ type }) => type)).toEqual([
      'TaskCreated',
      'TaskStarted',
      'TaskFailed',
      'TaskRetryScheduled',
      'TaskRetried',
    ]);
    const [scheduled, retried] = events.slice(-2);
    const { dueAt } = JSON.parse(scheduled!.data) as { dueAt: number };
    const { timestamp } = JSON.parse(retried!.metadata) as { timestamp: number };
    expect(timestamp).toBeGreaterThanOrEqual(dueAt);
  });

  it('fire each of many once, also when the service is stopped in their middle', async () => {
    const many = 1_500;
    for (let n = 0; n < many; n++) {
      const id = await tasks.create({ persistent: true });
      await tasks.append(id, new TaskStarted({ attempt: 1 }), failed);
      await tasks.append(id, new TaskRetryScheduled({ attempt: 1, dueAt: tasks.now }));
    }
    await start();
    await until((all) => all.some(({ retryCount }) => retryCount > 0));
    await stop();
    await start();
    const all = await until((each) => each.every(({ retryCount }) => retryCount > 0));
    expect(all.every((task) => task.retryCount === 1 && task.status === 'pending')).toBe(true);
    expect(await findLimbo(tasks.log, Date.now())).toEqual([]);
    while ((await timersStatus())?.overdue !== 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await timersStatus()).toMatchObject({ state: 'live', failures: 0, overdue: 0 });
  });
});
