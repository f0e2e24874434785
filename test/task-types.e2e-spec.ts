import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type {
  ClaimAnswer,
  CommandAnswer,
  ExplainAnswer,
  TaskTypeAnswer,
  TaskTypesPage,
  WorkersPage,
} from '@taskmanager/protocol';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { LogAudit } from '../src/log-copy/log-audit.js';
import { RequestGate } from '../src/transport/index.js';
import { type Service, startService, type Variables } from './service.js';
import { RawTcp } from './transport-raw.js';

const LONG = 30_000;

/** Task types as a whole, through the whole service: paused, limited, and who works on them. */
describe('A task type', () => {
  let folder: string;
  let service: Service;
  let client: RawTcp;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'task-types-'));
    await start();
  });
  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });

  async function start(variables: Variables = {}): Promise<void> {
    service = await startService({ DATA_DIR: folder, ...variables });
    client = await RawTcp.connect(service.port);
  }
  async function stop(): Promise<void> {
    await client.end();
    await service.close();
  }

  const admin = <T = TaskTypeAnswer>(name: string, fields: object = {}) =>
    client.ok<T>(`tasks.admin.${name}`, fields);
  const pause = (fields: object = {}) => admin('pause_task_type', { taskType: 'clone', ...fields });
  const resume = (fields: object = {}) =>
    admin('resume_task_type', { taskType: 'clone', ...fields });
  const limit = (maxRunning: number | null, fields: object = {}) =>
    admin('limit_task_type', { taskType: 'clone', maxRunning, ...fields });
  const command = (name: string, fields: object) =>
    client.ok<CommandAnswer>(`tasks.command.${name}`, fields);
  const create = (fields: object = {}) =>
    command('create_task', {
      ...{ id: randomUUID(), name: 'n', taskType: 'clone', appName: 'app', runBy: 'worker' },
      ...fields,
    });
  /** So many, and the view has them. */
  const createMany = async (count: number, fields: object = {}) => {
    const created = await Promise.all(Array.from({ length: count }, () => create(fields)));
    const after = created
      .map(({ position }) => position)
      .sort()
      .at(-1);
    await client.ok('tasks.query.task_stats', { meta: { after } });
    return created.map(({ taskId }) => taskId);
  };
  const claim = (workerId: string, fields: object = {}) =>
    client.ok<ClaimAnswer>('tasks.command.claim_tasks', {
      workerId,
      taskTypes: ['clone'],
      ...fields,
    });
  const complete = ({ tasks: [task] }: ClaimAnswer) =>
    command('complete_task', { id: task!.id, leaseEpoch: task!.leaseEpoch });
  const explain = (id: string) => client.ok<ExplainAnswer>('tasks.query.explain_task', { id });
  const workers = (fields: object = {}) =>
    client.ok<WorkersPage>('tasks.query.list_workers', fields);
  /** So many requests wait, and nothing else is under way. */
  const waiting = async (count: number) => {
    const gate = service.app.get(RequestGate);
    while (gate.load.waiting !== count || gate.load.inFlight > 0) await setImmediate();
  };

  it('that is paused gives out no task, and lets those that run end', async () => {
    await createMany(2);
    const running = await claim('a');
    expect(running.tasks).toHaveLength(1);
    const answer = await pause({ reason: 'the host is moving' });
    expect(answer).toMatchObject({ taskType: 'clone', paused: true, revision: 0 });
    expect(await claim('b')).toEqual({ tasks: [] });
    expect((await complete(running)).status).toBe('completed');
    expect(await claim('b')).toEqual({ tasks: [] });
    await create({ taskType: 'index' });
    const other = await claim('b', { taskTypes: ['clone', 'index'], waitMs: LONG });
    expect(other.tasks).toMatchObject([{ taskType: 'index' }]);
  });

  it('gives out nothing from the moment on that its pause is answered, whatever is under way', async () => {
    await createMany(60);
    const some = (from: string) => Array.from({ length: 20 }, (_, n) => claim(`${from}${n}`));
    const claims = some('before');
    const paused = pause();
    claims.push(...some('with'));
    await paused;
    const { position: after } = await create();
    const [before] = (await admin<TaskTypesPage>('list_task_types', { meta: { after } })).types;
    const given = (await Promise.all(claims)).flatMap(({ tasks }) => tasks);
    expect(given).toHaveLength(before!.held);
    expect((await claim('late', { limit: 100 })).tasks).toEqual([]);
  });

  it('that is resumed gives its tasks to those who wait longest', async () => {
    await pause();
    const claims: Promise<ClaimAnswer>[] = [];
    for (let n = 0; n < 4; n++) {
      claims.push(claim(`w${n}`, { waitMs: LONG }));
      await waiting(n + 1);
    }
    await createMany(2);
    await waiting(4);
    expect(await resume()).toMatchObject({ taskType: 'clone', paused: false });
    const first = await Promise.all(claims.slice(0, 2));
    expect(first.map(({ tasks }) => tasks.map(({ workerId }) => workerId))).toEqual([
      ['w0'],
      ['w1'],
    ]);
    await waiting(2);
    await createMany(2);
    await Promise.all(claims);
  });

  it('with a limit is never held more often, however many claim at once', async () => {
    await limit(3);
    const ids = await createMany(40);
    const done = new Set<string>();
    let most = 0;
    let held = 0;
    const work = async (n: number) => {
      while (done.size < ids.length) {
        const { tasks } = await claim(`w${n}`, { waitMs: 100, limit: 1 + (n % 3) });
        held += tasks.length;
        most = Math.max(most, held);
        for (const { id, leaseEpoch } of tasks) {
          held -= 1;
          done.add(id);
          await command('complete_task', { id, leaseEpoch });
        }
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, n) => work(n)));
    expect(done.size).toBe(ids.length);
    expect(most).toBeLessThanOrEqual(3);
    expect(mostHeld(await allEvents())).toBe(3);
  });

  it('that is full gives a place that gets free to who waits longest', async () => {
    await limit(1);
    await createMany(3);
    const running = await claim('a');
    const claims: Promise<ClaimAnswer>[] = [];
    for (const name of ['b', 'c']) {
      claims.push(claim(name, { waitMs: LONG }));
      await waiting(claims.length);
    }
    await complete(running);
    const next = await claims[0]!;
    expect(next.tasks).toMatchObject([{ workerId: 'b' }]);
    await waiting(1);
    await command('pause_task', { id: next.tasks[0]!.id });
    await waiting(1);
    await command('acknowledge_pause', { id: next.tasks[0]!.id, workerId: 'b', leaseEpoch: 1 });
    expect((await claims[1]!).tasks).toMatchObject([{ workerId: 'c' }]);
  });

  it('whose limit is raised or taken away gives out more at once', async () => {
    await createMany(4);
    await limit(1, { reason: 'slow disk' });
    await claim('a');
    const claims = ['b', 'c', 'd'].map((name) => claim(name, { waitMs: LONG }));
    await waiting(3);
    expect(await limit(2)).toMatchObject({ maxRunning: 2 });
    await waiting(2);
    expect(await limit(null)).toEqual(expect.not.objectContaining({ maxRunning: 2 }));
    expect((await Promise.all(claims)).map(({ tasks }) => tasks.length)).toEqual([1, 1, 1]);
  });

  it('that is full stands in nobody’s way: tasks of other types are given out past it', async () => {
    await limit(1);
    await createMany(30, { priority: 5 });
    await createMany(1, { taskType: 'index' });
    await claim('a');
    const { tasks } = await claim('b', { taskTypes: ['clone', 'index'] });
    expect(tasks).toMatchObject([{ taskType: 'index' }]);
  });

  it('keeps its rules across a restart, and the limit counts what was given out before', async () => {
    await limit(1);
    await createMany(2);
    await claim('a');
    await pause({ taskType: 'index', reason: 'why' });
    await stop();
    await start();
    expect(await claim('b')).toEqual({ tasks: [] });
    const { types } = await admin<TaskTypesPage>('list_task_types');
    expect(types).toMatchObject([
      { taskType: 'clone', maxRunning: 1, held: 1, pending: 1 },
      { taskType: 'index', paused: { by: 'anonymous', reason: 'why' }, held: 0, pending: 0 },
    ]);
  });

  it('is told with who and why, page by page', async () => {
    const meta = { actor: { id: 'olga', roles: [] } };
    await pause({ reason: 'disk', meta });
    await limit(7, { taskType: 'index', meta });
    await createMany(1, { taskType: 'apart' });
    const pages = [await admin<TaskTypesPage>('list_task_types', { limit: 2 })];
    const { nextCursor } = pages[0]!;
    pages.push(await admin<TaskTypesPage>('list_task_types', { limit: 2, cursor: nextCursor }));
    expect(pages[0]!.types).toEqual([
      { taskType: 'apart', held: 0, pending: 1 },
      {
        ...{ taskType: 'clone', held: 0, pending: 0 },
        paused: { by: 'olga', at: expect.any(Number), reason: 'disk' },
      },
    ]);
    expect(pages[1]).toEqual({
      types: [{ taskType: 'index', maxRunning: 7, held: 0, pending: 0 }],
    });
    const some = await admin<TaskTypesPage>('list_task_types', { taskTypes: ['index'] });
    expect(some.types).toHaveLength(1);
  });

  it('explains its tasks: that it is paused, by whom and why; that it is full', async () => {
    const [id] = await createMany(1);
    await pause({ reason: 'the host is moving', meta: { actor: { id: 'olga' } } });
    const { reasons } = await explain(id!);
    expect(reasons[0]).toMatchObject({ code: 'type_paused', by: 'olga' });
    expect(reasons[0]!.text).toContain('the host is moving');
    await resume();
    await limit(1);
    await claim('a');
    const [other] = await createMany(1);
    const [full] = (await explain(other!)).reasons;
    expect(full).toMatchObject({ code: 'type_full' });
    expect(full!.text).toContain('may hold 1 task(s)');
  });

  it('answers a command sent again as the first time, and changes nothing', async () => {
    const meta = { commandId: randomUUID() };
    const first = await pause({ meta });
    await resume();
    const again = await pause({ meta: { ...meta, retry: true } });
    expect(again).toEqual({ ...first, repeated: true });
    expect(await resume()).toMatchObject({ paused: false, revision: 1 });
    await createMany(1);
    expect((await claim('a')).tasks).toHaveLength(1);
  });

  it('has its events chained in the log, where no task’s reader meets them', async () => {
    await pause();
    await limit(3);
    await createMany(1);
    const events = await allEvents();
    const ours = events.filter(({ stream }) => stream === 'types');
    expect(ours.map(({ type }) => type)).toEqual(['TaskTypePaused', 'TaskTypeLimited']);
    const audit = new LogAudit();
    for (const event of events) audit.see(event);
    expect(audit.report()).toMatchObject({ brokenLinks: 0, streams: 2 });
    const page = await client.ok<{ events: { event: string }[] }>('tasks.query.read_events', {
      from: 'start',
    });
    expect(page.events.map(({ event }) => event)).toEqual(['created']);
    const { processors } = await admin<{ processors: { parked: number; failures: number }[] }>(
      'list_processors',
    );
    for (const one of processors) expect(one).toMatchObject({ parked: 0, failures: 0 });
  });

  it('shows its workers: who waits, who holds what, and who went', async () => {
    const gone = await RawTcp.connect(service.port);
    const ask = { workerId: 'gone', taskTypes: ['index'], waitMs: LONG };
    gone.ok('tasks.command.claim_tasks', ask).catch(() => undefined);
    await waiting(1);
    const [id] = await createMany(1);
    const { tasks } = await claim('busy');
    const idle = claim('idle', { waitMs: LONG, taskTypes: ['clone', 'index'] });
    idle.catch(() => undefined);
    await waiting(2);
    const about = (await workers()).workers;
    expect(about.map(({ workerId, waiting }) => [workerId, waiting])).toEqual([
      ['busy', 0],
      ['gone', 1],
      ['idle', 1],
    ]);
    expect(about[0]).toEqual({
      ...{ workerId: 'busy', actor: 'anonymous', taskTypes: ['clone'], waiting: 0, holding: 1 },
      lastSeenAt: expect.any(Number),
      holds: [
        {
          ...{ taskId: id, taskType: 'clone', appName: 'app', status: 'running', leaseEpoch: 1 },
          leaseExpiresAt: tasks[0]!.leaseExpiresAt,
        },
      ],
    });
    await gone.end();
    await waiting(1);
    const ofIndex = await workers({ taskTypes: ['index'] });
    expect(ofIndex.workers).toMatchObject([
      { workerId: 'gone', waiting: 0 },
      { workerId: 'idle', waiting: 1 },
    ]);
    const first = await workers({ limit: 1 });
    const rest = await workers({ cursor: first.nextCursor });
    expect(rest.workers.map(({ workerId }) => workerId)).toEqual(['gone', 'idle']);
    await complete({ tasks });
    await create({ taskType: 'index' });
    await idle;
    expect((await workers()).workers[0]).toMatchObject({ workerId: 'busy', holding: 0 });
  });

  it('is for admins of all apps; others see of its workers what is theirs', async () => {
    const file = join(folder, 'tokens.json');
    const sha = (token: string) => createHash('sha256').update(token).digest('hex');
    writeFileSync(
      file,
      JSON.stringify({
        [sha('admin')]: { id: 'admin', roles: ['admin'] },
        [sha('app-admin')]: { id: 'app-admin', roles: ['admin'], apps: ['app'] },
        [sha('worker')]: { id: 'w', roles: ['worker'] },
        [sha('reader')]: { id: 'r', roles: ['reader'], apps: ['app'] },
      }),
    );
    await stop();
    await start({ AUTH_FILE: file });
    const as = (token: string) => ({ meta: { token } });
    for (const token of ['app-admin', 'worker', 'reader']) {
      const { err } = await client.request('tasks.admin.pause_task_type', {
        ...{ taskType: 'clone', ...as(token) },
      });
      expect(err?.code).toBe('FORBIDDEN');
    }
    for (const appName of ['app', 'other']) {
      const { position } = await create({ appName, ...as('admin') });
      await claim(`of-${appName}`, { meta: { token: 'worker', after: position } });
    }
    const seen = (await workers(as('reader'))).workers;
    expect(seen.map(({ workerId, holding }) => [workerId, holding])).toEqual([
      ['of-app', 1],
      ['of-other', 0],
    ]);
    expect(await pause(as('admin'))).toMatchObject({ paused: true });
  });

  async function allEvents() {
    return (await service.log.readAll({ limit: 10_000 })).events;
  }

  /** The most tasks of the type that were under a lease at once, by the order of the log. */
  function mostHeld(events: Awaited<ReturnType<typeof allEvents>>): number {
    const held = new Set<string>();
    let most = 0;
    for (const { stream, type } of events) {
      if (type === 'TaskStarted') held.add(stream);
      if (type === 'TaskCompleted') held.delete(stream);
      most = Math.max(most, held.size);
    }
    return most;
  }
});
