import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TaskManager, type TaskInfo } from '@taskmanager/client';
import { Clock } from '../src/context/index.js';
import { doneJob } from './job-done.js';
import { findLimbo } from './limbo.js';
import { type Service, startService } from './service.js';

/** A pause, and everything that can meet it: time, kills, other commands, a rebuild. */

const APP = 'app';
const LEASE_MS = 1_000;
const LIMIT_MS = 20_000;
const LONG_MS = 3_600_000;

let folder: string;
let service: Service;
let client: TaskManager;

async function start(): Promise<void> {
  service = await startService({ DATA_DIR: folder, PROCESSOR_LEASE_MS: '500' });
  client = await TaskManager.connect({
    transport: 'tcp',
    port: service.port,
    appName: APP,
    actor: { id: 'alice', roles: ['client', 'worker', 'approver'] },
  });
}

async function stop(): Promise<void> {
  await client?.close();
  await service?.close();
}

async function restart(): Promise<void> {
  await stop();
  await start();
}

/** The task once it is so; fails after {@link LIMIT_MS}. */
async function until(id: string, isSo: (task: TaskInfo) => boolean): Promise<TaskInfo> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const task = await client.getTask(id);
    if (isSo(task)) return task;
    if (performance.now() > deadline) throw new Error(`It stays as it is: ${JSON.stringify(task)}`);
    await delay(20);
  }
}

/** Another task is failed by the same clock after this one's would have been: so long nothing happened. */
async function whileAnotherIsTimedOut(ms: number): Promise<void> {
  const id = await client.createTask('other', 'other', APP, undefined, {
    timeouts: { queueMs: ms },
  });
  await until(id, ({ status }) => status === 'failed');
}

async function historyOf(id: string): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of client.taskHistory(id)) types.push(type);
  return types;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskmanager-pause-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(start);
afterEach(async () => {
  const lost = await findLimbo(service.log, Date.now(), 2_000);
  await stop();
  expect(lost).toEqual([]);
});

describe('a paused task', () => {
  it('loses none of its time, not even over a restart, and times out with what was left', async () => {
    const timeouts = { runMs: 1_500 };
    const id = await client.createTask('run', 'run', APP, undefined, { runBy: 'app', timeouts });
    await client.startTask(id);
    await client.pauseTask(id);
    await restart();
    await whileAnotherIsTimedOut(1_600);
    expect((await client.getTask(id)).status).toBe('paused');
    await client.resumeTask(id);
    const failed = await until(id, ({ status }) => status === 'failed');
    expect(failed.error).toMatch(/runMs/);
    const [paused, resumed, end] = await timesOf(id, ['TaskPaused', 'TaskResumed', 'TaskFailed']);
    const [started] = await timesOf(id, ['TaskStarted']);
    // What was left of its time when it was paused is what it got when it was resumed.
    expect(end! - resumed!).toBeGreaterThanOrEqual(1_500 - (paused! - started!));
  });

  it('stays paused when its runAt comes, and is claimed once it is resumed', async () => {
    const runAt = Date.now() + 500;
    const id = await client.createTask('later', 'later', APP, undefined, {
      runBy: 'worker',
      runAt,
    });
    await client.pauseTask(id);
    await whileAnotherIsTimedOut(700);
    const claim = { workerId: 'w1', taskTypes: ['later'], leaseMs: 60_000 };
    expect((await client.command('claim_tasks', claim)).tasks).toEqual([]);
    await client.resumeTask(id);
    const { tasks } = await client.command('claim_tasks', { ...claim, waitMs: 5_000 });
    expect(tasks.map((task) => task.id)).toEqual([id]);
    await client.completeTask(id, { leaseEpoch: tasks[0]!.leaseEpoch! });
  });

  it('is cancelled where it stands, and nothing moves it afterwards', async () => {
    const id = await client.createTask('gone', 'gone', APP, undefined, {
      runBy: 'app',
      timeouts: { totalMs: 800 },
    });
    await client.startTask(id);
    await client.pauseTask(id);
    await client.cancelTask(id);
    await whileAnotherIsTimedOut(900);
    expect((await client.getTask(id)).status).toBe('cancelled');
    expect(await historyOf(id)).toEqual([
      'TaskCreated',
      'TaskStarted',
      'TaskPaused',
      'TaskCancelled',
    ]);
  });

  it('whose worker dies before it acknowledges is free once the lease is over, and stays paused', async () => {
    const id = await client.createTask('orphan', 'orphan', APP, undefined, { runBy: 'worker' });
    const claim = { workerId: 'w1', taskTypes: ['orphan'], leaseMs: LEASE_MS };
    const { tasks } = await client.command('claim_tasks', { ...claim, waitMs: 5_000 });
    const { leaseEpoch } = tasks[0]!;
    await client.pauseTask(id);
    expect((await client.getTask(id)).pauseAcknowledged).toBe(false);
    const free = await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
    expect(free).toMatchObject({ status: 'paused', stallCount: 0 });
    await expect(client.completeTask(id, { leaseEpoch: leaseEpoch! })).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
    await client.resumeTask(id);
    const again = await client.command('claim_tasks', {
      ...claim,
      leaseMs: 60_000,
      waitMs: 5_000,
    });
    expect(again.tasks.map((task) => task.leaseEpoch)).toEqual([leaseEpoch! + 1]);
    await client.completeTask(id, { leaseEpoch: leaseEpoch! + 1 });
  });

  it('is free over a restart too, when the lease ran out while nobody was there', async () => {
    const id = await client.createTask('orphan', 'asleep', APP, undefined, { runBy: 'worker' });
    await client.command('claim_tasks', {
      workerId: 'w1',
      taskTypes: ['asleep'],
      leaseMs: LEASE_MS,
      waitMs: 5_000,
    });
    await client.pauseTask(id);
    const { leaseExpiresAt } = await client.getTask(id);
    await stop();
    await passed(leaseExpiresAt!);
    await start();
    await until(id, ({ pauseAcknowledged }) => pauseAcknowledged === true);
    expect((await historyOf(id)).filter((type) => type === 'TaskLeaseExpired')).toHaveLength(1);
  });

  it('is the same after a rebuild of the view, and its clocks go on from there', async () => {
    const id = await client.createTask('built', 'built', APP, undefined, {
      runBy: 'app',
      timeouts: { runMs: 600 },
    });
    await client.startTask(id);
    await client.pauseTask(id);
    const before = await client.getTask(id);
    const { jobId } = await client.admin.rebuildProjection('tasks');
    await doneJob(client, jobId);
    await whileAnotherIsTimedOut(700);
    expect(await client.getTask(id)).toEqual(before);
    await client.resumeTask(id);
    await until(id, ({ status }) => status === 'failed');
  });
});

describe('due exactly when the service comes back', () => {
  it('a retry is performed once', async () => {
    const id = await client.createTask('retry', 'retry', APP, undefined, {
      runBy: 'app',
      persistent: true,
      retryDelayMs: 1_000,
    });
    await client.failTask(id, 'It broke.');
    const { nextRetryAt } = await until(id, (task) => task.nextRetryAt !== undefined);
    await stop();
    await passed(nextRetryAt!);
    await start();
    await until(id, ({ status }) => status === 'pending');
    expect((await historyOf(id)).filter((type) => type === 'TaskRetried')).toHaveLength(1);
  });

  it('an approval expires once, and its reminders do not come in a heap', async () => {
    const id = await client.createTask('ask', 'ask', APP, undefined, { runBy: 'app' });
    await client.startTask(id);
    const dueAt = Date.now() + 2_500;
    await client.requestApproval(id, { approvers: ['bob'], remindEveryMs: 1_000, dueAt });
    await until(id, ({ status }) => status === 'waiting_for_approval');
    await stop();
    await passed(dueAt);
    await start();
    await until(id, ({ status }) => status === 'failed');
    const types = await historyOf(id);
    expect(types.filter((type) => type === 'TaskApprovalExpired')).toHaveLength(1);
    expect(types.filter((type) => type === 'ApproversNotified').length).toBeLessThanOrEqual(3);
  });

  it('a retry that was cancelled meanwhile is not performed', async () => {
    const id = await client.createTask('retry', 'retry', APP, undefined, {
      runBy: 'app',
      persistent: true,
      retryDelayMs: LONG_MS,
    });
    await client.failTask(id, 'It broke.');
    await until(id, (task) => task.nextRetryAt !== undefined);
    await client.cancelTask(id);
    await restart();
    await whileAnotherIsTimedOut(500);
    expect((await client.getTask(id)).status).toBe('cancelled');
  });
});

/** When the first event of each type happened, epoch milliseconds. */
async function timesOf(id: string, types: readonly string[]): Promise<number[]> {
  const { events } = await client.getTaskHistory(id, { limit: 100 });
  return types.map((type) => events.find((event) => event.type === type)!.at);
}

/** The service's clock has passed a time while the service does not run. */
async function passed(at: number): Promise<void> {
  const clock = service.app.get(Clock, { strict: false });
  while (clock.now() <= at) await delay(10);
}
