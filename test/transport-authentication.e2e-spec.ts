import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Settings } from '../src/config/index.js';
import { type FakeService, startFakes } from './transport-fakes.js';
import { admin, type BatchResult, command, query, RawTcp } from './transport-raw.js';

const task = { id: randomUUID() };

describe('Authentication', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-auth-'));
  const file = join(folder, 'tokens.json');
  const sha = (token: string) => createHash('sha256').update(token).digest('hex');
  const write = (callers: Record<string, object>) =>
    writeFileSync(
      file,
      JSON.stringify(
        Object.fromEntries(Object.entries(callers).map(([token, caller]) => [sha(token), caller])),
      ),
    );
  const callers = {
    r: { id: 'reader', roles: ['reader'] },
    c: { id: 'client', roles: ['client'], apps: ['shop'] },
    w: { id: 'worker', roles: ['worker'] },
    a: { id: 'approver', roles: ['approver', 'lead'] },
    x: { id: 'admin', roles: ['admin'] },
    y: { id: 'admin of the shop', roles: ['admin'], apps: ['shop'] },
    n: { id: 'nobody', roles: ['lead'] },
  };
  let service: FakeService;
  let client: RawTcp;

  beforeAll(async () => {
    write(callers);
    service = await startFakes({ AUTH_FILE: file, TCP_HOST: '0.0.0.0' });
    client = await RawTcp.connect(service.port);
  });

  afterAll(async () => {
    await client.end();
    await service.close();
    rmSync(folder, { recursive: true });
  });

  it('lets nobody in without a token that it knows, whatever he says he is', async () => {
    for (const meta of [
      undefined,
      {},
      { token: 'wrong' },
      { token: '' },
      { actor: { id: 'admin' } },
    ]) {
      const err = await client.refused(query('get_task'), { ...task, ...(meta ? { meta } : {}) });
      expect(err.code).toBe('UNAUTHENTICATED');
      expect(JSON.stringify(err)).not.toContain('wrong');
    }
  });

  it('looks at who sends before it looks at what is sent', async () => {
    expect((await client.refused(query('get_task'), { colour: 'red' })).code).toBe(
      'UNAUTHENTICATED',
    );
  });

  it('gives the actor of the token, never the one that is claimed', async () => {
    const meta = { token: 'c', actor: { id: 'admin', roles: ['admin'] } };
    const { context } = await client.ok<{ context: unknown }>(query('get_task'), { ...task, meta });
    expect(context).toMatchObject({
      actor: { id: 'client', roles: ['client'], verified: true },
      apps: ['shop'],
    });
    expect(JSON.stringify(context)).not.toContain('token');
  });

  const may = async (token: string, subject: string, data: object) =>
    (await client.request(subject, { ...data, meta: { token } })).err?.code !== 'FORBIDDEN';

  it.each([
    // query, create, progress, claim, pause, an admin's query and command
    ['r', [true, false, false, false, false, false, false]],
    ['c', [true, true, true, true, true, false, false]],
    ['w', [true, false, true, true, false, false, false]],
    ['a', [true, false, false, false, false, false, false]],
    ['x', [true, true, true, true, true, true, true]],
    ['y', [true, true, true, true, true, false, false]],
    ['n', [false, false, false, false, false, false, false]],
  ])('the token of %s allows what its roles allow', async (token, allowed) => {
    const create = { name: 'n', taskType: 't', appName: 'a' };
    expect([
      await may(token, query('get_task'), task),
      await may(token, command('create_task'), create),
      await may(token, command('update_task_progress'), { ...task, progress: 1 }),
      await may(token, command('claim_tasks'), { workerId: 'w', taskTypes: ['t'] }),
      await may(token, command('pause_task'), task),
      await may(token, admin('list_processors'), {}),
      await may(token, admin('pause_processor'), { name: 'tasks' }),
    ]).toEqual(allowed);
  });

  it('says to an admin of some apps why he may not operate the service', async () => {
    const err = await client.refused(admin('list_processors'), { meta: { token: 'y' } });
    expect(err.message).toContain('it concerns all apps');
  });

  it('takes no admin message in a batch', async () => {
    const { results } = await client.ok<{ results: BatchResult[] }>(command('batch'), {
      commands: [{ command: 'pause_processor', args: { name: 'tasks' } }],
      meta: { token: 'x' },
    });
    expect(results.map((each) => each.error?.code)).toEqual(['VALIDATION_FAILED']);
  });

  it('checks each command of a batch', async () => {
    const { results } = await client.ok<{ results: BatchResult[] }>(command('batch'), {
      commands: [
        { command: 'update_task_progress', args: { ...task, progress: 1 } },
        { command: 'pause_task', args: task },
      ],
      meta: { token: 'w' },
    });
    expect(results.map((each) => each.error?.code ?? 'ok')).toEqual(['ok', 'FORBIDDEN']);
  });

  it('reads the file again when told to, and keeps the tokens when it is broken', async () => {
    write({ ...callers, new: { id: 'new', roles: ['reader'] } });
    process.emit('SIGHUP');
    expect(await may('new', query('get_task'), task)).toBe(true);
    expect(
      (await client.request(query('get_task'), { ...task, meta: { token: 'new' } })).err,
    ).toBeUndefined();
    writeFileSync(file, '{');
    process.emit('SIGHUP');
    expect(
      (await client.request(query('get_task'), { ...task, meta: { token: 'new' } })).err,
    ).toBeUndefined();
    write({ c: callers.c });
    process.emit('SIGHUP');
    expect(
      (await client.refused(query('get_task'), { ...task, meta: { token: 'new' } })).code,
    ).toBe('UNAUTHENTICATED');
    write(callers);
    process.emit('SIGHUP');
  });

  it('reads it again by itself when it changes', async () => {
    write({ ...callers, later: { id: 'later', roles: ['reader'] } });
    const ask = { ...task, meta: { token: 'later' } };
    while ((await client.request(query('get_task'), ask)).err) await setImmediate();
    write(callers);
    while (!(await client.request(query('get_task'), ask)).err) await setImmediate();
  });

  it.each([
    ['no JSON', '{', /no JSON/],
    ['a list', '[]', /must be an object/],
    ['a token instead of its hash', JSON.stringify({ secret: { id: 'a', roles: [] } }), /SHA-256/],
    ['an entry without roles', JSON.stringify({ [sha('t')]: { id: 'a' } }), /roles/],
  ])('refuses to start with %s', async (_, content, why) => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, content);
    await expect(startFakes({ AUTH_FILE: bad })).rejects.toThrow(why);
  });

  it('without it only this machine is listened to', () => {
    for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost']) {
      expect(new Settings({ TCP_HOST: host }).tcp.host).toBe(host);
    }
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.evil.org']) {
      expect(() => new Settings({ TCP_HOST: host })).toThrow(/TCP_HOST .* loopback/);
    }
  });
});
