import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from '@taskmanager/sqlite-driver';
import type { ClaimAnswer, CommandAnswer, TaskInfo } from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Clock } from '../src/context/index.js';
import { RequestGate } from '../src/transport/index.js';
import { type Service, startService } from './service.js';
import { RawTcp } from './transport-raw.js';

const LONG = 30_000;

/** Requests that wait, through the whole service. */
describe('A request that waits', () => {
  let service: Service;
  let client: RawTcp;

  beforeEach(async () => {
    service = await startService();
    client = await RawTcp.connect(service.port);
  });
  afterEach(async () => {
    await client.end();
    await service.close();
  });

  const create = (fields: object = {}) =>
    client.ok<CommandAnswer>('tasks.command.create_task', {
      id: randomUUID(),
      name: 'n',
      taskType: 'clone',
      appName: 'app',
      runBy: 'worker',
      ...fields,
    });
  const claim = (who: RawTcp, workerId: string, fields: object = {}) =>
    who.ok<ClaimAnswer>('tasks.command.claim_tasks', { workerId, taskTypes: ['clone'], ...fields });
  const get = (id: string, meta: object = {}) =>
    client.request('tasks.query.get_task', { id, meta });
  /** So many requests wait, and nothing else is under way. */
  const waiting = async (count: number) => {
    const gate = service.app.get(RequestGate);
    while (gate.load.waiting !== count || gate.load.inFlight > 0) await setImmediate();
  };

  it('takes no task for a worker who is gone', async () => {
    const gone = await RawTcp.connect(service.port);
    claim(gone, 'gone', { waitMs: LONG }).catch(() => undefined);
    await waiting(1);
    const here = claim(client, 'here', { waitMs: LONG });
    await waiting(2);
    await gone.end();
    await waiting(1);
    const { taskId } = await create();
    expect((await here).tasks).toMatchObject([{ id: taskId, workerId: 'here', attempt: 1 }]);
  });

  it('ends when its caller is gone: a feed too, and a hundred of them on one connection', async () => {
    const gone = await RawTcp.connect(service.port);
    for (let n = 0; n < 100; n++) {
      const read = n % 2 === 0;
      const sent = read
        ? gone.ok('tasks.query.read_events', { from: 'now', waitMs: LONG })
        : claim(gone, 'gone', { waitMs: LONG });
      sent.catch(() => undefined);
    }
    await waiting(100);
    await gone.end();
    await waiting(0);
  });

  it('gives its place to the same claim sent again, over whatever connection', async () => {
    const meta = { commandId: randomUUID() };
    const other = await RawTcp.connect(service.port);
    const again = { ...meta, retry: true };
    const first = claim(other, 'w', { waitMs: LONG, meta });
    await waiting(1);
    const second = claim(client, 'w', { waitMs: LONG, meta: again });
    expect(await first).toEqual({ tasks: [] });
    await waiting(1);
    const { taskId } = await create();
    expect((await second).tasks).toMatchObject([{ id: taskId, workerId: 'w', attempt: 1 }]);
    await other.end();
  });

  it('is taken back by the same claim sent again without a wait', async () => {
    const meta = { commandId: randomUUID() };
    const first = claim(client, 'w', { waitMs: LONG, meta });
    await waiting(1);
    const back = await claim(client, 'w', { waitMs: 0, meta: { ...meta, retry: true } });
    expect([await first, back]).toEqual([{ tasks: [] }, { tasks: [] }]);
    const { taskId } = await create();
    expect((await claim(client, 'other')).tasks).toMatchObject([{ id: taskId }]);
  });

  it('brings a claim and the same claim sent again meanwhile one task, not one each', async () => {
    await create();
    const { position: after } = await create();
    const meta = { commandId: randomUUID(), after };
    const answers = await Promise.all([
      claim(client, 'w', { meta }),
      claim(client, 'w', { meta: { ...meta, retry: true } }),
      claim(client, 'w', { meta: { ...meta, retry: true } }),
    ]);
    const [first, ...others] = answers;
    expect(first.tasks).toHaveLength(1);
    for (const answer of others) expect(answer).toEqual(first);
  });

  it('is woken for a task that a claim of several types was woken for and left', async () => {
    const both = claim(client, 'both', { waitMs: LONG, taskTypes: ['clone', 'index'] });
    await waiting(1);
    const index = claim(client, 'index', { waitMs: LONG, taskTypes: ['index'] });
    await waiting(2);
    const clone = claim(client, 'clone', { waitMs: LONG });
    await waiting(3);
    // Both in one look of the view: the first worker takes the more urgent one, of the other's type.
    const views = new Database(join(service.dataDir, 'views.db'));
    views.exec('BEGIN IMMEDIATE');
    await create();
    await create({ taskType: 'index', priority: 9 });
    views.exec('ROLLBACK');
    views.close();
    expect((await both).tasks).toMatchObject([{ taskType: 'index' }]);
    expect((await clone).tasks).toMatchObject([{ taskType: 'clone' }]);
    await create({ taskType: 'index' });
    await index;
  });

  it('gets a task each when there are as many tasks as workers', async () => {
    const claims = Array.from({ length: 20 }, (_, n) => claim(client, `w${n}`, { waitMs: LONG }));
    await waiting(20);
    const runAt = Date.now() + 200;
    const created = await Promise.all(claims.map((_, n) => create(n % 2 === 0 ? {} : { runAt })));
    const given = (await Promise.all(claims)).map(({ tasks }) => tasks.map(({ id }) => id));
    expect(given.flat().sort()).toEqual(created.map(({ taskId }) => taskId).sort());
  });

  it('is answered while the service stops, when what it waits for comes', async () => {
    const views = new Database(join(service.dataDir, 'views.db'));
    await create();
    // The view cannot go on for a while: this holds the write lock of its file.
    views.exec('BEGIN IMMEDIATE');
    const { taskId, position } = await create();
    const reading = get(taskId, { after: position });
    const gate = service.app.get(RequestGate);
    while (gate.load.inFlight === 0) await setImmediate();
    const stopped = service.close();
    while (!(await client.request('tasks.query.get_task', {})).err?.message.includes('stopping'));
    views.exec('ROLLBACK');
    views.close();
    const { err, response } = await reading;
    expect(err).toBeUndefined();
    expect((response as TaskInfo).id).toBe(taskId);
    await stopped;
  });

  it('is told to try again when the file of the views cannot be used', async () => {
    const { taskId, position } = await create({ runAt: Date.now() + 60_000 });
    expect((await get(taskId, { after: position })).err).toBeUndefined();
    service.app.get(Clock).now = () => Date.now() + 120_000;
    const views = new Database(join(service.dataDir, 'views.db'));
    views.exec('BEGIN IMMEDIATE');
    const wish = { workerId: 'w', taskTypes: ['clone'] };
    const { err } = await client.request('tasks.command.claim_tasks', wish);
    expect(err).toMatchObject({ code: 'UNAVAILABLE', details: { view: 'tasks' } });
    views.exec('ROLLBACK');
    views.close();
    expect((await claim(client, 'w')).tasks).toMatchObject([{ id: taskId }]);
  });
});
