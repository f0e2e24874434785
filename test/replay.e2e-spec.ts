import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { TaskManager } from '@taskmanager/client';
import type { HistoryEvent, PolicyChange } from '@taskmanager/protocol';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessorRunner } from '../src/processing/index.js';
import { Receiver, SECRET } from '../src/publishers/publishers.fixture.js';
import { doneJob, endedJob } from './job-done.js';
import { type Broker, startBroker } from './nats.js';
import { type Service, startService } from './service.js';
import { until } from './until.js';

const APP = 'replay';
const TASKS = 20;

/** Rebuilding, comparing and trying out, through the whole service: what they tell, and that they do nothing. */
describe('Replay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-replay-'));
  let receiver: Receiver;
  let broker: Broker;
  let subscriber: NatsConnection;
  const published: string[] = [];
  let service: Service;
  let client: TaskManager;
  /** Tasks that failed, were retried, and failed for good. */
  const flaky: string[] = [];

  beforeAll(async () => {
    receiver = await Receiver.start();
    broker = await startBroker();
    subscriber = await connect({ servers: broker.url });
    subscriber.subscribe('tasks.event.>', {
      callback: (_, message) => void published.push(message.subject),
    });
    await subscriber.flush();
    const file = join(folder, 'endpoints.json');
    const webhook = { name: 'hook', url: receiver.url, secret: SECRET, appNames: [APP] };
    writeFileSync(file, JSON.stringify({ webhooks: [webhook] }));
    service = await startService({ ENDPOINTS_FILE: file, NATS_URL: broker.url });
    await service.nats;
    const { port } = service;
    client = await TaskManager.connect({ transport: 'tcp', port, appName: APP, actor: 'admin' });
    // A new publisher begins with what comes from now on: not before it has begun.
    await until(async () => {
      const runs = service.app.get(ProcessorRunner).runs();
      const states = (await Promise.all(runs.map((run) => run.status(undefined)))).flat();
      return states.every(({ state }) => state === 'live');
    });
    await work();
  });

  afterAll(async () => {
    await client?.close();
    await service?.close();
    await subscriber?.close();
    await broker?.stop();
    await receiver?.stop();
    rmSync(folder, { recursive: true });
  });

  it('sends nothing, decides nothing and appends nothing', async () => {
    await until(async () => published.length === (await eventsInFeed()));
    await until(async () => received() === (await eventsInFeed()));
    const before = { head: await service.log.head(), published: published.length };
    const bus = jest.spyOn(service.app.get(CommandBus), 'execute');
    const { admin } = client;
    const jobs = [
      await admin.verifyProjection('tasks'),
      await admin.rebuildProjection('tasks'),
      await admin.dryRunProjection('tasks'),
      await admin.dryRunPolicy({ backoff: { type: 'fixed' }, retryDelayMs: 1 }),
    ];
    const results = [];
    for (const { jobId } of jobs) results.push(await doneJob(client, jobId));
    expect(results).toMatchObject([
      { ok: true, rows: TASKS },
      { ok: true, rows: TASKS, kept: expect.any(Number) },
      { ok: true, tasks: TASKS },
      { failures: flaky.length * 2, unreadable: 0 },
    ]);
    // But who had the view rebuilt.
    const { events } = await service.log.readAll({ after: before.head! });
    expect(events.map(({ stream }) => stream)).toEqual(['admin']);
    expect(published).toHaveLength(before.published);
    // Whatever would have been sent again is sent by the time that the next event is.
    await client.createTask('last', 'last', APP, undefined, { runBy: 'app' });
    await until(() => received() === before.published + 1);
    await until(() => published.length === before.published + 1);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(before.published + 1);
    // Sagas and timers have sent no command either, not even one that decides nothing.
    const names = bus.mock.calls.map(([command]) => command.constructor.name);
    expect(names.sort()).toEqual([
      'CreateTask',
      'DryRunPolicy',
      'DryRunProjection',
      'RebuildProjection',
      'VerifyProjection',
    ]);
    bus.mockRestore();
  });

  it('keeps the old build of a rebuild until it is dropped, and refuses what there is not', async () => {
    const { admin } = client;
    const { jobId } = await admin.rebuildProjection('tasks', { keepOld: true });
    const other = admin.rebuildProjection('tasks');
    await expect(other).rejects.toMatchObject({ code: 'CONFLICT', details: { jobId } });
    const { kept } = await doneJob<'rebuild_projection'>(client, jobId);
    expect((await admin.dropProjectionBuilds('tasks')).dropped).toContain(kept);
    expect((await admin.dropProjectionBuilds('tasks')).dropped).toEqual([]);
    await expect(admin.rebuildProjection('nothing')).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { field: 'projection', names: expect.arrayContaining(['tasks']) },
    });
    const from = '00000000:00000000000000000001';
    await expect(admin.dryRunProjection('tasks', { from })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { field: 'from' },
    });
  });

  it('leaves the view as it was when it is aborted', async () => {
    const { admin } = client;
    const before = await client.listTasks({ appName: APP });
    const { jobId } = await admin.rebuildProjection('tasks');
    await admin.abortJob(jobId, 'not now');
    const { state, error } = await endedJob(client, jobId);
    // It may have been done before it heard of it.
    if (state !== 'done')
      expect([state, error]).toEqual(['aborted', expect.stringMatching(/not now/)]);
    expect(await client.listTasks({ appName: APP })).toEqual(before);
    await doneJob(client, (await admin.rebuildProjection('tasks')).jobId);
  });

  describe('of the retry policy', () => {
    const changed = async (policy: Parameters<TaskManager['admin']['dryRunPolicy']>[0]) => {
      const { jobId } = await client.admin.dryRunPolicy(policy);
      return doneJob<'dry_run_policy'>(client, jobId);
    };

    it('changes nothing as it is: what was drawn is drawn again', async () => {
      expect(await changed({})).toMatchObject({ failures: flaky.length * 2, changes: [] });
    });

    it('lists exactly the decisions that another backoff changes', async () => {
      const before = await service.log.head();
      const policy = { backoff: { type: 'fixed' }, retryDelayMs: 30 } as const;
      const { changes, changeCount } = await changed(policy);
      const expected: PolicyChange[] = [];
      for (const taskId of flaky) {
        const history = await historyOf(taskId);
        for (const [n, { type, data, at, revision }] of history.entries()) {
          const { willRetry } = data as { willRetry?: boolean };
          if (type !== 'TaskFailed' || willRetry !== true) continue;
          const scheduled = history.slice(n).find((event) => event.type === 'TaskRetryScheduled')!;
          const delayMs = (scheduled.data as { dueAt: number }).dueAt - at;
          if (delayMs === 30) continue;
          expected.push({
            taskId,
            taskType: 'flaky',
            appName: APP,
            revision,
            at,
            attempt: 1,
            recorded: { willRetry: true, delayMs },
            now: { willRetry: true, delayMs: 30 },
          });
        }
      }
      expect(expected.length).toBeGreaterThan(0);
      const byTask = (a: PolicyChange, b: PolicyChange) => a.taskId.localeCompare(b.taskId);
      expect([...changes].sort(byTask)).toEqual(expected.sort(byTask));
      expect(changeCount).toBe(expected.length);
      expect(await service.log.head()).toBe(before);
    });

    it('lists what fewer retries, and more of them, change', async () => {
      const fewer = await changed({ maxRetries: 0 });
      expect(fewer.changes).toHaveLength(flaky.length);
      for (const { recorded, now } of fewer.changes) {
        expect([recorded.willRetry, now]).toEqual([true, { willRetry: false }]);
      }
      const more = await changed({ maxRetries: 2 });
      expect(more.changes).toHaveLength(flaky.length);
      for (const { recorded, now } of more.changes) {
        expect([recorded, now.willRetry]).toEqual([{ willRetry: false }, true]);
      }
      expect(await changed({ maxRetries: 0, taskTypes: ['steady'] })).toMatchObject({
        failures: 0,
        changes: [],
      });
    });
  });

  /** A quarter of the tasks fail twice, with one retry between; the others are done at once. */
  async function work(): Promise<void> {
    for (let n = 0; n < TASKS; n++) {
      const isFlaky = n % 4 === 0;
      const id = await client.createTask(
        `task ${n}`,
        isFlaky ? 'flaky' : 'steady',
        APP,
        undefined,
        {
          runBy: 'app',
          persistent: isFlaky,
          maxRetries: 1,
          retryDelayMs: 60,
          backoff: { type: 'exponential' },
        },
      );
      await client.startTask(id);
      if (!isFlaky) {
        await client.completeTask(id);
        continue;
      }
      flaky.push(id);
      await client.failTask(id, 'the first time');
    }
    for (const id of flaky) {
      await until(async () => (await client.getTask(id)).status === 'pending');
      await client.startTask(id);
      await client.failTask(id, 'for good');
    }
  }

  async function historyOf(id: string): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    for await (const event of client.taskHistory(id)) events.push(event);
    return events;
  }

  async function eventsInFeed(): Promise<number> {
    const { events, caughtUp } = await client.readEvents({ from: 'start', limit: 1_000 });
    expect(caughtUp).toBe(true);
    return events.length;
  }

  const received = () => receiver.received.length;
});
