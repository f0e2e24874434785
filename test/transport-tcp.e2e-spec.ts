import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorBody } from '@taskmanager/protocol';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Settings } from '../src/config/index.js';
import { clientCommandId } from '../src/context/index.js';
import { RequestGate } from '../src/transport/index.js';
import { TcpServer } from '../src/transport/tcp/tcp-server.js';
import { type FakeService, startFakes } from './transport-fakes.js';
import { frame, RawTcp } from './transport-raw.js';

const command = (name: string) => `tasks.command.${name}`;
const query = (name: string) => `tasks.query.${name}`;
const admin = (name: string) => `tasks.admin.${name}`;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const task = { id: randomUUID() };

interface Result {
  readonly ok?: { readonly context?: unknown };
  readonly error?: ErrorBody;
}

describe('The TCP transport', () => {
  let service: FakeService;
  let client: RawTcp;

  beforeAll(async () => {
    service = await startFakes();
    client = await RawTcp.connect(service.port);
  });

  afterAll(async () => {
    await client.end();
    await service.close();
  });

  describe('turns a request into a message and its context', () => {
    it('derives the effective command id from the actor and his own id, and keeps that apart', async () => {
      const commandId = randomUUID();
      const meta = { commandId, actor: { id: 'ann', roles: ['client'] }, retry: true };
      const { context } = await client.ok<{ context: unknown }>(command('update_task_progress'), {
        ...task,
        progress: 3,
        meta,
      });
      const effective = clientCommandId('ann', commandId);
      expect(context).toMatchObject({
        actor: { id: 'ann', roles: ['client'], verified: false },
        commandId: effective,
        clientCommandId: commandId,
        correlationId: effective,
        causationId: effective,
        transport: 'tcp',
        resent: true,
      });
    });

    it('fills in what is left out', async () => {
      const { context } = await client.ok<{ context: { commandId: string } }>(
        command('update_task_progress'),
        { ...task, progress: 3 },
      );
      expect(context.commandId).toMatch(UUID);
      expect(context).toMatchObject({
        actor: { id: 'anonymous', roles: [], verified: false },
        resent: false,
      });
      expect(context).not.toHaveProperty('clientCommandId');
    });

    it('passes correlation, causation and the position on', async () => {
      const after = '0a1b2c3d:00000000000000000042';
      const meta = { correlationId: 'trace-1', causationId: 'cause-1', after };
      const own = await client.ok<{ context: unknown }>(command('update_task_progress'), {
        ...task,
        progress: 1,
        meta,
      });
      expect(own.context).toMatchObject(meta);
      const read = await client.ok<{ context: unknown }>(query('get_task'), { ...task, meta });
      expect(read.context).toMatchObject({ correlationId: 'trace-1', after });
    });

    it('keeps text of every language whole, however it is cut into packets', async () => {
      const name = 'größe 日本語 🚀'.repeat(200);
      const bytes = Buffer.from(
        frame({
          id: 'cut',
          pattern: command('create_task'),
          data: { name: name.slice(0, 400), taskType: 'a', appName: 'b' },
        }),
      );
      for (let at = 0; at < bytes.length; at += 7) client.write(bytes.subarray(at, at + 7));
      const { response } = await client.replyTo('cut');
      expect(response).toMatchObject({ command: { name: name.slice(0, 400) } });
    });
  });

  describe('serves tasks.admin.* without a token file', () => {
    const meta = { actor: { id: 'ann' } };

    it('queries with the context of a query, commands with that of a command', async () => {
      expect(await client.ok(admin('list_processors'), { meta })).toMatchObject({
        context: { actor: { id: 'ann', verified: false } },
      });
      expect(await client.ok(admin('pause_processor'), { name: 'tasks', meta })).toMatchObject({
        name: 'tasks',
        context: { actor: { id: 'ann' }, commandId: expect.stringMatching(UUID), transport: 'tcp' },
      });
    });

    it.each([
      ['list_processors', { colour: 'red' }, 'colour'],
      ['pause_processor', {}, 'name'],
      ['pause_processor', { name: '' }, 'name'],
      ['pause_processor', { name: 'x'.repeat(201) }, 'name'],
      ['pause_processor', { name: 'tasks', reason: 7 }, 'reason'],
    ])('and checks the fields of %s %j', async (name, fields, field) => {
      const err = await client.refused(admin(name), fields);
      expect(err).toMatchObject({ code: 'VALIDATION_FAILED', details: { field } });
    });
  });

  describe('answers every error in one shape', () => {
    it.each([
      ['a refusal', 'refusal', 'INVALID_TRANSITION', { status: 'completed' }],
      ['a conflict', 'conflict', 'CONFLICT', undefined],
      ['a full disk', 'unavailable', 'UNAVAILABLE', undefined],
    ])('%s', async (_, reason, code, details) => {
      const err = await client.refused(command('pause_task'), {
        ...task,
        reason,
        meta: { correlationId: 'mine' },
      });
      expect(err).toEqual({
        code,
        message: expect.any(String),
        correlationId: 'mine',
        ...(details ? { details } : {}),
      });
    });

    it('a fault of the service is INTERNAL and says nothing of its inside', async () => {
      for (const reason of ['fault', 'unwritable']) {
        const err = await client.refused(command('pause_task'), { ...task, reason });
        expect(err).toMatchObject({ code: 'INTERNAL', correlationId: expect.any(String) });
        expect(JSON.stringify(err)).not.toMatch(/secret|BigInt|\.ts|\.js/);
      }
    });

    it('names every field that is wrong', async () => {
      const err = await client.refused(command('update_task_progress'), {
        id: 'x',
        progress: 101,
        colour: 'red',
      });
      expect(err.code).toBe('VALIDATION_FAILED');
      const fields = (err.details?.['problems'] as { field: string }[]).map(({ field }) => field);
      expect(fields.sort()).toEqual(['colour', 'id', 'progress']);
      expect(err.message).toContain('unknown field colour');
    });

    it('names the field that is too large', async () => {
      const err = await client.refused(command('update_task_data'), {
        ...task,
        data: 'x'.repeat(130 * 1024),
      });
      expect(err).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { field: 'data' } });
    });

    it.each([
      ['a list', []],
      ['text', 'hello'],
      ['a number', 7],
      ['true', true],
    ])('a payload that is %s', async (_, data) => {
      expect(await client.refused(query('get_task'), data)).toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    });

    it.each([
      { token: 7 },
      { commandId: 'no uuid' },
      { retry: 'yes' },
      { after: '12' },
      { actor: 'ann' },
      { actor: { id: '' } },
      { actor: { id: 'ann', roles: 'admin' } },
      { actor: { id: 'ann', verified: true } },
      { correlationId: '' },
      { correlationId: 'x'.repeat(257) },
      { colour: 'red' },
      'text',
      [],
    ])('meta %j', async (meta) => {
      expect(await client.refused(query('get_task'), { ...task, meta })).toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    });

    it.each(['tasks.command.nonsense', 'nonsense', '', '__proto__', 'constructor'])(
      'an unknown message %j',
      async (pattern) => {
        const err = await client.refused(pattern, { meta: { correlationId: 'mine' } });
        expect(err).toMatchObject({ code: 'VALIDATION_FAILED', correlationId: 'mine' });
      },
    );

    it('prototype keys are unknown fields and change nothing', async () => {
      const fields = `"id":"${task.id}","progress":1`;
      for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
        const text = `{"id":"${key}","pattern":"${command('update_task_progress')}","data":{${fields},"${key}":{"polluted":true}}}`;
        client.write(frame(text));
        expect((await client.replyTo(key)).err?.code).toBe('VALIDATION_FAILED');
      }
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });
  });

  describe('speaks Nest’s wire', () => {
    it('null, undefined and numeric ids', async () => {
      expect(
        await client.request(command('pause_task'), { ...task, reason: 'null' }),
      ).toMatchObject({
        response: null,
        isDisposed: true,
      });
      const nothing = await client.request(command('pause_task'), { ...task, reason: 'nothing' });
      expect(Object.keys(nothing).sort()).toEqual(['id', 'isDisposed']);
      client.write(frame({ id: 42, pattern: 'echo', data: 'hi' }));
      expect(await client.replyTo(42)).toEqual({ id: 42, response: 'hi', isDisposed: true });
    });

    it('a request without an id is done and not answered', async () => {
      const before = client.replies.length;
      const { arrived } = service.held;
      client.write(frame({ pattern: command('complete_task'), data: task }));
      await service.held.whenArrived(arrived + 1);
      service.held.release();
      await client.ok('echo', 1);
      expect(client.replies.length).toBe(before + 1);
    });
  });

  describe('takes batches', () => {
    it('and answers each command by itself, in order', async () => {
      const commandId = randomUUID();
      const { results } = await client.ok<{ results: Result[] }>(command('batch'), {
        commands: [
          { command: 'update_task_progress', args: { ...task, progress: 1 }, meta: { commandId } },
          { command: 'update_task_progress', args: { id: 'x' } },
          { command: 'claim_tasks', args: { workerId: 'w', taskTypes: ['a'] } },
          { command: 'batch', args: { commands: [] } },
          { command: 'pause_task', args: { ...task, reason: 'refusal' } },
          { command: 'update_task_data', args: { ...task, data: 1 }, meta: { token: 'x' } },
          7,
          { command: 'update_task_data', args: { ...task, data: 1 } },
        ],
        meta: { actor: { id: 'ann' }, correlationId: 'all' },
      });
      expect(results.map((each) => each.error?.code ?? 'ok')).toEqual([
        'ok',
        'VALIDATION_FAILED',
        'VALIDATION_FAILED',
        'VALIDATION_FAILED',
        'INVALID_TRANSITION',
        'VALIDATION_FAILED',
        'VALIDATION_FAILED',
        'ok',
      ]);
      expect(results[0]?.ok?.context).toMatchObject({
        actor: { id: 'ann' },
        commandId: clientCommandId('ann', commandId),
        correlationId: 'all',
      });
      expect(results[4]?.error?.correlationId).toBe('all');
    });

    it('but no more than 1,000 commands, and only a list of them', async () => {
      const one = { command: 'update_task_progress', args: { ...task, progress: 1 } };
      expect(await client.ok(command('batch'), { commands: Array(1_000).fill(one) })).toBeDefined();
      const many = await client.refused(command('batch'), { commands: Array(1_001).fill(one) });
      expect(many).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { field: 'commands' } });
      for (const data of [{}, { commands: 7 }, { commands: [], more: 1 }]) {
        expect((await client.refused(command('batch'), data)).code).toBe('VALIDATION_FAILED');
      }
    });
  });
});

describe('The TCP transport keeps its limits', () => {
  let service: FakeService;
  const clients: RawTcp[] = [];

  const connections = () =>
    new Promise<number>((resolve, reject) => {
      const server = service.app.get(TcpServer, { strict: false }).unwrap<Server>();
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });

  const connected = async (): Promise<RawTcp> => {
    const client = await RawTcp.connect(service.port);
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    service = await startFakes({
      MAX_IN_FLIGHT: '20',
      MAX_IN_FLIGHT_PER_CONNECTION: '8',
      MAX_WAITING: '5',
      TCP_MAX_CONNECTIONS: '12',
      TCP_FRAME_TIMEOUT_MS: '200',
    });
  });

  afterEach(async () => {
    service.held.release();
    await Promise.all(clients.splice(0).map((client) => client.end()));
    // The service learns of it a moment later, and until then counts them.
    while ((await connections()) > 0) await setImmediate();
  });

  afterAll(() => service.close());

  const hold = (client: RawTcp, count: number) =>
    Array.from({ length: count }, () => client.request(command('complete_task'), task));

  it('past its cap a connection is answered OVERLOADED at once, and others are not', async () => {
    const [busy, other] = [await connected(), await connected()];
    const { arrived } = service.held;
    const held = hold(busy, 8);
    await service.held.whenArrived(arrived + 8);
    expect((await busy.refused('echo', 1)).code).toBe('OVERLOADED');
    expect(await other.ok('echo', 1)).toBe(1);
    service.held.release();
    expect((await Promise.all(held)).every((reply) => reply.response)).toBe(true);
    expect(await busy.ok('echo', 1)).toBe(1);
  });

  it('past its cap the process answers OVERLOADED, and takes requests again afterwards', async () => {
    const three = [await connected(), await connected(), await connected()];
    const { arrived } = service.held;
    const held = three.flatMap((client) => hold(client, 7));
    await service.held.whenArrived(arrived + 20);
    const last = await connected();
    expect((await last.refused('echo', 1)).code).toBe('OVERLOADED');
    service.held.release();
    const replies = await Promise.all(held);
    expect(replies.filter(({ err }) => err?.code === 'OVERLOADED')).toHaveLength(1);
    expect(await last.ok('echo', 1)).toBe(1);
  });

  it('what only waits is not in flight and has a limit of its own', async () => {
    const client = await connected();
    const claim = (waitMs: number) =>
      client.request(command('claim_tasks'), { workerId: 'w', taskTypes: ['a'], waitMs });
    const waits = Array.from({ length: 5 }, () => claim(30_000));
    expect((await claim(30_000)).err?.code).toBe('OVERLOADED');
    expect((await claim(0)).response).toEqual({ tasks: [] });
    expect(service.app.get(RequestGate).load).toEqual({ inFlight: 0, waiting: 5 });
    void Promise.allSettled(waits);
  });

  it('what will wait is in flight until it does', async () => {
    const [client, other] = [await connected(), await connected()];
    const { arrived } = service.held;
    const gate = service.app.get(RequestGate);
    const claim = { workerId: 'w', taskTypes: ['held'], waitMs: 30_000 };
    const claims = Array.from({ length: 8 }, () => client.request(command('claim_tasks'), claim));
    await service.held.whenArrived(arrived + 8);
    expect(gate.load).toEqual({ inFlight: 8, waiting: 0 });
    expect((await client.refused('echo', 1)).code).toBe('OVERLOADED');
    service.held.release();
    await Promise.race(claims);
    expect(await client.ok('echo', 1)).toBe(1);
    expect(gate.load).toEqual({ inFlight: 0, waiting: 5 });
    expect(await other.ok('echo', 1)).toBe(1);
    void Promise.allSettled(claims);
  });

  it('what waits ends when its caller is gone, however he left', async () => {
    const [cut, ended, bad] = [await connected(), await connected(), await connected()];
    const gate = service.app.get(RequestGate);
    const claim = { workerId: 'w', taskTypes: ['a'], waitMs: 30_000 };
    for (const client of [cut, ended, bad]) {
      client.request(command('claim_tasks'), claim).catch(() => undefined);
      await client.ok('echo', 1);
    }
    expect(gate.load.waiting).toBe(3);
    cut.socket.resetAndDestroy();
    ended.socket.end();
    bad.write('nonsense');
    while (gate.load.waiting > 0) await setImmediate();
    expect(service.waits.count).toBe(0);
    expect(gate.load.inFlight).toBe(0);
  });

  it('connections past the limit are closed, and none of the others', async () => {
    const first = await connected();
    const opened = await Promise.allSettled(Array.from({ length: 14 }, connected));
    const late = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    await Promise.race(late.map((client) => client.closed));
    expect(await first.ok('echo', 1)).toBe(1);
  });

  it.each([
    ['no length', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a negative length', '-5#hello'],
    ['a length of nothing', '0#'],
    ['a length that is too long', '999999999#'],
    ['a length past the limit', `${3 * 1024 * 1024}#`],
    ['digits without end', '1'.repeat(50)],
    ['no JSON', frame('nonsense')],
    ['a list', frame('[]')],
    ['null', frame('null')],
    ['an object as id', frame('{"id":{},"pattern":"echo"}')],
    ['a frame that ends too soon', '5#{"id":1}'],
  ])('%s is told so and the connection is closed', async (_, bytes) => {
    const client = await connected();
    client.write(bytes);
    await client.closed;
    expect(client.replies).toEqual([
      { err: expect.objectContaining({ code: 'VALIDATION_FAILED' }), isDisposed: true },
    ]);
    // At once, and not because its time was over.
    expect(client.replies[0]?.err?.message).not.toContain('not complete');
    expect(await (await connected()).ok('echo', 1)).toBe(1);
  });

  it('a request past 1 MiB is refused by its id, and the connection goes on', async () => {
    const client = await connected();
    expect(await client.refused('echo', 'x'.repeat(1024 * 1024))).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
    expect((await client.refused('echo', '日'.repeat(400 * 1024))).code).toBe('PAYLOAD_TOO_LARGE');
    const most = 'x'.repeat(1024 * 1024 - 100);
    expect(await client.ok('echo', most)).toBe(most);
  });

  it('a frame that is never completed is given up, even when it trickles', async () => {
    const client = await connected();
    client.write('100#{"id"');
    const trickle = setInterval(() => client.write(' '), 20);
    await client.closed;
    clearInterval(trickle);
    expect(client.replies[0]?.err?.message).toContain('200 ms');
  });

  it('a connection that is busy for longer than that is not', async () => {
    const client = await connected();
    const until = performance.now() + 700;
    let done = 0;
    // Every packet ends in the middle of a frame, so that one is always incomplete.
    const text = frame({ id: 'same', pattern: 'echo', data: 1 });
    client.write(text.slice(0, 10));
    while (performance.now() < until) {
      client.replies.length = 0;
      client.write(text.slice(10) + text.slice(0, 10));
      await client.replyTo('same');
      done += 1;
    }
    expect(done).toBeGreaterThan(10);
  });

  it('a caller that does not read his replies costs bounded memory, and nobody else anything', async () => {
    const [deaf, other] = [await connected(), await connected()];
    deaf.socket.pause();
    const big = 'x'.repeat(900 * 1024);
    for (let index = 0; index < 120; index++)
      deaf.write(frame({ id: index, pattern: 'echo', data: big }));
    for (let index = 0; index < 50; index++) expect(await other.ok('echo', index)).toBe(index);
    expect(process.memoryUsage().rss).toBeLessThan(1_500 * 1024 * 1024);
  });
});

describe('The TCP transport stops', () => {
  it('by answering what is in flight, ending what waits, and refusing what is new', async () => {
    const service = await startFakes();
    const client = await RawTcp.connect(service.port);
    const held = Array.from({ length: 50 }, () => client.request(command('complete_task'), task));
    const waits = Array.from({ length: 20 }, () =>
      client.request(command('claim_tasks'), { workerId: 'w', taskTypes: ['a'], waitMs: 30_000 }),
    );
    await service.held.whenArrived(50);
    await client.ok('echo', 1);

    const closing = service.close();
    expect(await Promise.all(waits)).toEqual(
      waits.map(() => expect.objectContaining({ response: { tasks: [] } })),
    );
    const refused = await client.refused('echo', 1);
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('stopping'),
    });
    await expect(RawTcp.connect(service.port)).rejects.toThrow('ECONNREFUSED');

    service.held.release();
    const replies = await Promise.all(held);
    expect(replies.every((reply) => reply.response !== undefined)).toBe(true);
    await closing;
    await client.closed;
  });

  it('and what does not end in time is told that it may have happened', async () => {
    const service = await startFakes({ SHUTDOWN_TIMEOUT_MS: '100' });
    const client = await RawTcp.connect(service.port);
    const held = client.request(command('complete_task'), task);
    await service.held.whenArrived(1);
    await service.close();
    expect((await held).err).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('may have taken effect'),
    });
  });
});

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
    const { results } = await client.ok<{ results: Result[] }>(command('batch'), {
      commands: [{ command: 'pause_processor', args: { name: 'tasks' } }],
      meta: { token: 'x' },
    });
    expect(results.map((each) => each.error?.code)).toEqual(['VALIDATION_FAILED']);
  });

  it('checks each command of a batch', async () => {
    const { results } = await client.ok<{ results: Result[] }>(command('batch'), {
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
