import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TaskManager, TaskManagerError, TaskStatus } from '@taskmanager/client';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.js';
import { type Broker, freePort, startBroker } from './nats.js';
import { type Service, startService } from './service.js';

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

describe.each(['tcp', 'nats'] as const)('the client over %s', (transport) => {
  const app = `client-${transport}`;
  let client: TaskManager;

  const connect = (actor: string) =>
    transport === 'tcp'
      ? TaskManager.connect({ transport, port: service.port, actor, appName: app })
      : TaskManager.connect({ transport, servers: broker.url, actor, appName: app });

  beforeAll(async () => {
    client = await connect('mia');
  });

  afterAll(() => client?.close());

  const create = (name = 'A task') => client.createTask(name, 'client_test', app, { n: 1 });

  async function running(name?: string) {
    const id = await create(name);
    await client.updateTaskStatus(id, TaskStatus.Running);
    return id;
  }

  it('creates a task and gets it back', async () => {
    const id = await client.createTask('Import photos', 'client_test', app, { from: 'camera' });
    expect(await client.getTask(id)).toMatchObject({
      id,
      name: 'Import photos',
      taskType: 'client_test',
      appName: app,
      status: TaskStatus.Pending,
      data: { from: 'camera' },
      runBy: 'app',
      createdBy: { id: 'mia' },
    });
  });

  it('creates one task for one key, however often it is asked', async () => {
    const further = { idempotencyKey: 'only-once', priority: 7, labels: { team: 'web' } };
    const first = await client.createTask('Once', 'client_test', app, null, further);
    const second = await client.createTask('Once', 'client_test', app, null, further);
    expect(second).toBe(first);
    expect(await client.getTask(first)).toMatchObject({ priority: 7, labels: { team: 'web' } });
  });

  it('drives a task from start to completion', async () => {
    const id = await running();
    await client.updateTaskProgress(id, 1, 4);
    await client.updateTaskData(id, { chunk: 1 });
    await client.updateTaskError(id, 'one chunk was slow');
    await client.pauseTask(id, { reason: 'lunch' });
    expect((await client.getTask(id)).status).toBe(TaskStatus.Paused);
    await client.resumeTask(id);
    expect(await client.completeTask(id, { result: { files: 4 } })).toMatchObject({
      taskId: id,
      status: TaskStatus.Completed,
    });
    expect(await client.getTask(id)).toMatchObject({
      status: TaskStatus.Completed,
      progress: 100,
      data: { chunk: 1 },
      result: { files: 4 },
    });
    const types = (await client.getTaskHistory(id)).events.map(({ type }) => type);
    expect(types).toEqual([
      'TaskCreated',
      'TaskStarted',
      'ProgressUpdated',
      'TaskDataUpdated',
      'TaskErrorRecorded',
      'TaskPaused',
      'TaskResumed',
      'TaskCompleted',
    ]);
  });

  it('fails, retries, cancels and deletes', async () => {
    const id = await running();
    await client.markTaskAsFailed(id, 'no space left');
    expect(await client.getTask(id)).toMatchObject({ status: 'failed', error: 'no space left' });
    await client.retryTask(id);
    await client.startTask(id);
    await client.failTask(id, 'again');
    await client.retryTask(id, { reason: 'cleaned up' });
    await client.cancelTask(id, { reason: 'not needed' });
    expect((await client.getTask(id)).status).toBe(TaskStatus.Cancelled);
    await client.deleteTask(id);
    await expect(client.getTask(id)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });

  it('waits for approval and is approved or rejected', async () => {
    const approver = await connect('boss');
    const [yes, no] = [await running(), await running()];
    await client.markTaskAsWaitingForApproval(yes);
    await client.requestApproval(no, { approvers: ['boss'] });
    await expect(client.approveTask(no)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await approver.approveTask(yes, { comment: 'fine' })).toMatchObject({
      status: 'running',
    });
    expect(await approver.rejectTask(no, 'too late')).toMatchObject({ status: 'failed' });
    await approver.close();
  });

  it('pauses all running tasks of an app and resumes the last one', async () => {
    const appName = `${app}-filter`;
    const ids = [];
    for (const name of ['one', 'two']) {
      const id = await client.createTask(name, 'client_test', appName);
      await client.startTask(id);
      ids.push(id);
    }
    const paused = await client.pauseAllRunningTasks({ appName });
    expect([...paused.taskIds].sort()).toEqual([...ids].sort());
    expect(paused.more).toBe(false);
    const resumed = await client.resumeLastPausedTask({ appName });
    expect(ids).toContain(resumed?.taskId);
    await client.resumeLastPausedTask({ appName });
    expect(await client.resumeLastPausedTask({ appName })).toBeNull();
  });

  it('lists by filter, page by page, and counts', async () => {
    const appName = `${app}-list`;
    const made = await Promise.all(
      Array.from({ length: 25 }, (_, n) => client.createTask(`Task ${n}`, 'client_test', appName)),
    );
    expect(await client.listTasks({ appName, limit: 10 })).toHaveLength(10);
    const listed = [];
    for await (const { id } of client.tasks({ appName, limit: 10 })) listed.push(id);
    expect(listed.sort()).toEqual(made.sort());
    const stats = await client.taskStats({ appName });
    expect(stats).toMatchObject({ total: 25, byStatus: { pending: 25 } });
  });

  it('tells each of the commands of one turn its own fate', async () => {
    const id = await running();
    const [good, missing, refused] = await Promise.allSettled([
      client.updateTaskProgress(id, 1, 2),
      client.updateTaskProgress('0198f7a2-7f0e-7abc-8def-0123456789ab', 1, 2),
      client.command('update_task_progress', {
        id: await create(),
        completedItems: 3,
        totalItems: 2,
      }),
    ]);
    expect(good).toMatchObject({ value: { taskId: id } });
    expect(missing).toMatchObject({ reason: { code: 'TASK_NOT_FOUND' } });
    expect(refused).toMatchObject({ reason: { code: 'VALIDATION_FAILED' } });
  });

  it('takes effect once under one commandId', async () => {
    const id = await running();
    const commandId = '0198f7a2-7f0e-7abc-8def-0123456789ac';
    const first = await client.pauseTask(id, { commandId });
    await client.resumeTask(id);
    const second = await client.pauseTask(id, { commandId });
    expect(second).toMatchObject({ repeated: true, revision: first.revision });
    expect((await client.getTask(id)).status).toBe(TaskStatus.Running);
  });

  it('rejects with typed errors', async () => {
    const id = await create();
    const error: unknown = await client.completeTask(id).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TaskManagerError);
    expect(error).toMatchObject({ code: 'INVALID_TRANSITION', correlationId: expect.any(String) });
    await expect(client.getTask('no-uuid')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('reports progress across a pause: acknowledges it and goes on when it is over', async () => {
    const other = await connect('noah');
    const id = await running();
    await other.pauseTask(id);
    const acknowledged = new Promise<void>((resolve, reject) => {
      const follow = async (from: string): Promise<void> => {
        const page = await other.readEvents({ from, taskIds: [id], waitMs: 5_000 });
        if (page.events.some(({ event }) => event === 'pause_acknowledged')) return resolve();
        await follow(page.position ?? from);
      };
      follow('start').catch(reject);
    });
    const progress = client.updateTaskProgress(id, 1, 2, { whilePaused: 'wait' });
    await acknowledged;
    expect(await client.getTask(id)).toMatchObject({ status: 'paused', pauseAcknowledged: true });
    const again = client.updateTaskProgress(id, 2, 2, { whilePaused: 'wait' });
    await other.resumeTask(id);
    expect(await progress).toMatchObject({ taskId: id });
    expect(await again).toMatchObject({ taskId: id });
    expect(await client.getTask(id)).toMatchObject({ status: 'running', completedItems: 2 });
    await other.close();
  });

  it('tells a listener what happens, commands made right after the unawaited call included', async () => {
    const heard: unknown[] = [];
    const done = new Promise<void>((resolve) => {
      void client.addTaskEventListener((event, data) => {
        if (data.appName !== `${app}-listen`) return;
        heard.push([event, data.status]);
        if (event === 'task_deleted') resolve();
      });
    });
    const id = await client.createTask('Heard', 'client_test', `${app}-listen`);
    await client.startTask(id);
    await client.updateTaskProgress(id, 1, 2);
    await client.updateTaskData(id, 5);
    await client.updateTaskError(id, 'hm');
    await client.completeTask(id);
    await client.deleteTask(id);
    await done;
    expect(heard).toEqual([
      ['task_created', 'pending'],
      ['task_status_updated', 'running'],
      ['task_progress_updated', 'running'],
      ['task_data_updated', 'running'],
      ['task_error_updated', 'running'],
      ['task_status_updated', 'completed'],
      ['task_deleted', 'deleted'],
    ]);
  });
});

describe('a listener whose service is started anew', () => {
  it('hears every event once, those of commands that waited for the service too', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'client-e2e-'));
    const port = await freePort();
    const start = () => startService({ DATA_DIR: dataDir, TCP_PORT: String(port) });
    let restarted = await start();
    const client = await TaskManager.connect({ transport: 'tcp', port });
    const heard: string[] = [];
    let wake = () => {};
    await client.addTaskEventListener((event, data) => {
      heard.push(`${event} ${data.taskId} ${data.revision}`);
      wake();
    });
    const expected: string[] = [];
    for (let round = 0; round < 3; round++) {
      const id = await client.createTask(`Round ${round}`, 'client_test', 'restarts');
      await restarted.close();
      const starting = client.startTask(id);
      restarted = await start();
      await starting;
      expected.push(`task_created ${id} 0`, `task_status_updated ${id} 1`);
    }
    await new Promise<void>((resolve) => {
      wake = () => heard.length >= expected.length && resolve();
      wake();
    });
    expect(heard).toEqual(expected);
    await client.close();
    await restarted.close();
    await rm(dataDir, { recursive: true });
  });
});

describe('a listener whose connection is cut again and again', () => {
  let proxy: CuttingProxy;
  let listening: TaskManager;
  let making: TaskManager;

  beforeEach(async () => {
    proxy = await startCuttingProxy(service.port);
    listening = await TaskManager.connect({ transport: 'tcp', port: proxy.port });
    making = await TaskManager.connect({ transport: 'tcp', port: service.port, actor: 'maker' });
  });

  afterEach(async () => {
    await listening?.close({ waitMs: 0 });
    await making?.close();
    await proxy?.close();
  });

  it('hears every event once, in the order of the log', async () => {
    const rounds = 12;
    const appName = 'cut-off';
    const heard: { position: string; line: string }[] = [];
    let wake = () => {};
    await listening.addTaskEventListener((event, data) => {
      if (data.appName !== appName) return;
      heard.push({ position: data.position, line: `${event} ${data.taskId} ${data.revision}` });
      wake();
    });

    const expected: string[] = [];
    for (let round = 0; round < rounds; round++) {
      proxy.cut();
      const id = await making.createTask(`Round ${round}`, 'client_test', appName);
      await making.startTask(id);
      proxy.restore();
      await making.completeTask(id);
      expected.push(`task_created ${id} 0`, `task_status_updated ${id} 1`);
      expected.push(`task_status_updated ${id} 2`);
      // Every other time it catches up before it is cut off again.
      if (round % 2 === 0) await reach(expected.length);
    }
    await reach(expected.length);
    expect(heard.map(({ line }) => line)).toEqual(expected);
    const positions = heard.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort());

    function reach(count: number) {
      return new Promise<void>((resolve) => {
        wake = () => heard.length >= count && resolve();
        wake();
      });
    }
  });

  it('commands cut off on their way take effect once', async () => {
    const id = await making.createTask('Driven through the proxy', 'client_test', 'cut-off-2');
    await making.startTask(id);
    for (let n = 1; n <= 30; n++) {
      const progress = listening.updateTaskProgress(id, n, 30);
      if (n % 3 === 0) setImmediate(() => proxy.cut());
      if (n % 3 === 0) setTimeout(() => proxy.restore(), 20);
      await progress;
    }
    proxy.restore();
    const history = [];
    for await (const event of making.taskHistory(id)) history.push(event);
    const items = history.slice(2).map(({ data }) => data.completedItems);
    expect(items).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  });
});
