import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuditEvent, type AuditRequest, TaskManager } from '@taskmanager/client';
import { readdirSync } from 'node:fs';
import { startService, type Service, type ServiceProcess, spawnService } from './service.js';

/** The whole story of the tests below, by three people over TCP. */
async function live(port: number) {
  const connect = (actor: string, appName: string) =>
    TaskManager.connect({ transport: 'tcp', port, actor, appName });
  const [ann, bob] = [await connect('ann', 'shop'), await connect('bob', 'office')];
  const task = await ann.createTask('Publish', 'publish');
  const other = await bob.createTask('Print', 'print');
  const meta = { correlationId: 'a-morning' };
  await ann.startTask(task);
  await ann.updateTaskProgress(task, 4, 10);
  await bob.pauseTask(task, { reason: 'the disk is full', ...meta });
  await expect(bob.completeTask(task, meta)).resolves.toBeDefined();
  await expect(bob.pauseTask(task, meta)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
  return { ann, bob, task, other };
}

describe('the audit over TCP', () => {
  let service: Service;
  let story: Awaited<ReturnType<typeof live>>;

  beforeAll(async () => {
    service = await startService();
    story = await live(service.port);
  });
  afterAll(async () => {
    await story?.ann.close();
    await story?.bob.close();
    await service?.close();
  });

  const found = async (request: AuditRequest): Promise<AuditEvent[]> => {
    const events: AuditEvent[] = [];
    for await (const event of story.bob.auditEvents({ order: 'asc', ...request }))
      events.push(event);
    return events;
  };
  const types = async (request: AuditRequest) => (await found(request)).map(({ type }) => type);

  it('answers who did what, to which task', async () => {
    const { task } = story;
    expect(await types({ taskIds: [task] })).toEqual([
      'TaskCreated',
      'TaskStarted',
      'ProgressUpdated',
      'TaskPaused',
      'TaskCompleted',
      'CommandRefused',
    ]);
    expect(await types({ actor: 'ann' })).toEqual([
      'TaskCreated',
      'TaskStarted',
      'ProgressUpdated',
    ]);
    expect(await types({ appName: 'office' })).toEqual(['TaskCreated']);
    expect(await types({ correlationId: 'a-morning', events: ['TaskPaused'] })).toEqual([
      'TaskPaused',
    ]);
  });

  it('says what was refused, to whom and why, in a line for people', async () => {
    const [refused, ...others] = await found({ refused: true });
    expect(others).toEqual([]);
    expect(refused).toMatchObject({
      taskId: story.task,
      actor: { id: 'bob' },
      transport: 'tcp',
      refused: { command: 'pause_task', code: 'INVALID_TRANSITION' },
      line: expect.stringMatching(/^bob was refused pause_task: INVALID_TRANSITION .+ · tcp$/),
    });
  });

  it('reads its own writes, and pages on from a cursor while events come', async () => {
    const { ann, other } = story;
    const first = await ann.queryAudit({ limit: 2, order: 'asc' });
    expect(first.events.length).toBe(2);
    await ann.updateTaskData(other, { n: 1 });
    const rest = await ann.queryAudit({ order: 'asc', cursor: first.nextCursor!, count: true });
    expect(rest.events.at(-1)).toMatchObject({ type: 'TaskDataUpdated', taskId: other });
    expect(rest.count).toEqual({ events: 2 + rest.events.length, exact: true });
  });

  it('has the same line in the history of a task', async () => {
    const { ann, task } = story;
    const { events } = await ann.getTaskHistory(task);
    expect(events.map(({ line }) => line)).toEqual(
      (await found({ taskIds: [task], refused: false })).map(({ line }) => line),
    );
    expect(events[3]?.line).toBe('bob paused it: the disk is full · tcp');
  });

  it('counts what the log holds, and is listed with the projections', async () => {
    const { ann } = story;
    const stats = await ann.admin.logStats();
    expect(stats).toMatchObject({ tasks: 2, refusals: 1, logId: service.log.logId });
    expect(stats.events).toBe(Object.values(stats.byType).reduce((sum, n) => sum + n, 0));
    const { processors } = await ann.admin.listProcessors();
    expect(processors.find(({ name }) => name === 'audit')).toMatchObject({
      kind: 'projection',
      paused: false,
      parked: 0,
    });
  });
});

describe('the audit of the built service, in its thread', () => {
  let service: ServiceProcess;
  afterAll(() => service?.forget());

  it('answers the same, and goes on after kill -9', async () => {
    service = await spawnService();
    const { ann, bob, task } = await live(service.port);
    const before = await ann.queryAudit({ count: true });
    expect(before.count).toEqual({ events: 7, exact: true });
    await service.stop('SIGKILL');
    await Promise.all([ann.close(), bob.close()]);

    service = await spawnService({ DATA_DIR: service.dataDir });
    const again = await TaskManager.connect({
      transport: 'tcp',
      port: service.port,
      actor: 'eve',
      appName: 'shop',
    });
    await again.deleteTask(task);
    const after = await again.queryAudit();
    expect(after.events[0]).toMatchObject({ type: 'TaskDeleted', actor: { id: 'eve' } });
    expect(after.events.slice(1)).toEqual(before.events);
    expect(readdirSync(service.dataDir)).toContain('audit-1.db');
    await again.close();
    expect(await service.stop()).toBe(0);
  });
});
