import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  connect,
  type Msg,
  type NatsConnection,
  nkeyAuthenticator,
  nkeys,
  RequestError,
} from '@nats-io/transport-node';
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { RequestGate } from '../src/transport/index.js';
import { NatsServer } from '../src/transport/nats/nats-server.js';
import { type Broker, freePort, startBroker } from './nats.js';
import { type FakeService, startFakes } from './transport-fakes.js';
import { admin, command, query, RawTcp, type RawReply } from './transport-raw.js';

const task = { id: randomUUID() };
const TIMEOUT_MS = 5_000;

async function raw(
  nc: NatsConnection,
  subject: string,
  payload: string | Uint8Array,
  timeout = TIMEOUT_MS,
): Promise<RawReply> {
  const message = await nc.request(subject, payload, { timeout });
  return message.json<RawReply>();
}

const request = (nc: NatsConnection, subject: string, data: unknown) =>
  raw(nc, subject, JSON.stringify({ id: '1', data }));

describe('The NATS transport', () => {
  let broker: Broker;
  let service: FakeService;
  let nc: NatsConnection;

  beforeAll(async () => {
    broker = await startBroker();
    service = await startFakes({ NATS_URL: broker.url });
    await service.nats;
    nc = await connect({ servers: broker.url });
  });

  afterAll(async () => {
    await nc.close();
    await service.close();
    await broker.stop();
  });

  it('serves the same messages as TCP, with the transport in the context', async () => {
    const data = { ...task, progress: 3, meta: { actor: { id: 'ann' } } };
    const reply = await request(nc, command('update_task_progress'), data);
    expect(reply).toMatchObject({
      id: '1',
      isDisposed: true,
      response: { id: task.id, context: { actor: { id: 'ann' }, transport: 'nats' } },
    });
    expect(await request(nc, 'echo', { a: 1 })).toMatchObject({ response: { a: 1 } });
  });

  it.each([
    ['in an envelope', { data: task }],
    ['bare', task],
  ])('answers a request without an id %s', async (_, packet) => {
    const reply = await raw(nc, query('get_task'), JSON.stringify(packet));
    expect(reply).toMatchObject({ response: { id: task.id }, isDisposed: true });
    expect(reply).not.toHaveProperty('id');
  });

  it('knows bare fields from an envelope even when one of them is called data', async () => {
    const fields = { name: 'n', taskType: 't', appName: 'a', data: { x: 1 } };
    const reply = await raw(nc, command('create_task'), JSON.stringify(fields));
    expect(reply.response).toMatchObject({ command: fields });
  });

  it.each([
    ['refusal', 'INVALID_TRANSITION'],
    ['conflict', 'CONFLICT'],
    ['unavailable', 'UNAVAILABLE'],
    ['fault', 'INTERNAL'],
    ['unwritable', 'INTERNAL'],
  ])('answers %s in the one shape of errors', async (reason, code) => {
    const { err } = await request(nc, command('pause_task'), { ...task, reason });
    expect(err).toMatchObject({
      code,
      message: expect.any(String),
      correlationId: expect.any(String),
    });
    expect(JSON.stringify(err)).not.toContain('secret');
  });

  it.each([
    ['bad JSON', '{'],
    ['text', '"hello"'],
    ['a list', '[]'],
    ['null', 'null'],
    ['bytes', new Uint8Array([0xff, 0xfe, 0x00])],
    ['an object as id', '{"id":{},"data":{}}'],
  ])('answers %s', async (_, payload) => {
    expect((await raw(nc, query('get_task'), payload)).err).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  it.each([
    'tasks.command.nonsense',
    'tasks.query.nonsense',
    'tasks.command.pause_task.more',
    'tasks.query.__proto__',
  ])('answers the unknown message %s', async (subject) => {
    const { err } = await request(nc, subject, { meta: { correlationId: 'mine' } });
    expect(err).toMatchObject({ code: 'VALIDATION_FAILED', correlationId: 'mine' });
  });

  it.each(['list_processors', 'pause_processor', 'anything'])(
    'does not serve tasks.admin.%s without a token file, and says so',
    async (name) => {
      const meta = { actor: { id: 'root', roles: ['admin'] } };
      const { err } = await request(nc, admin(name), { name: 'tasks', meta });
      expect(err).toMatchObject({
        code: 'FORBIDDEN',
        message: expect.stringContaining('without AUTH_FILE'),
      });
    },
  );

  it('handles each message once, also beside a second replica', async () => {
    const second = await startFakes({ NATS_URL: broker.url });
    await second.nats;
    const before = service.held.arrived + second.held.arrived;
    const held = Array.from({ length: 40 }, () => request(nc, command('complete_task'), task));
    await Promise.race([service.held.whenArrived(40), second.held.whenArrived(40), nc.flush()]);
    const arrived = () => service.held.arrived + second.held.arrived - before;
    while (arrived() < 40) await setImmediate();
    expect(arrived()).toBe(40);
    expect(second.held.arrived).toBeGreaterThan(0);
    service.held.release();
    second.held.release();
    await Promise.all(held);
    await second.close();
  });

  it('answers PAYLOAD_TOO_LARGE when the broker would not take the answer', async () => {
    const { id, err } = await request(nc, query('list_tasks'), { limit: 1_100_000 });
    expect(id).toBe('1');
    expect(err).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { limit: 1_048_576 } });
    const fits = await request(nc, query('list_tasks'), { limit: 1_000_000 });
    expect(fits.response).toHaveProperty('text');
  });

  it.each(['tasks.command.complete_task', 'tasks.query.get_task', 'tasks.event.created'])(
    'drops a request that wants its answer at %s',
    async (reply) => {
      const { arrived } = service.held;
      const answers: RawReply[] = [];
      const callback = (_: unknown, message: Msg) => {
        if (message.string().includes('isDisposed')) answers.push(message.json());
      };
      const heard = nc.subscribe(reply, { callback });
      nc.publish(command('complete_task'), JSON.stringify({ data: task }), { reply });
      nc.publish(query('get_task'), JSON.stringify(task), { reply });
      expect((await request(nc, 'echo', 1)).response).toBe(1);
      expect(service.held.arrived).toBe(arrived);
      expect(answers).toEqual([]);
      heard.unsubscribe();
    },
  );

  it('does a message without a reply subject, and goes on', async () => {
    const { arrived } = service.held;
    nc.publish(command('complete_task'), JSON.stringify({ data: task }));
    nc.publish(command('complete_task'), '{');
    nc.publish('tasks.command.nonsense', '{}');
    await service.held.whenArrived(arrived + 1);
    service.held.release();
    expect((await request(nc, 'echo', 1)).response).toBe(1);
  });
});

describe('The NATS transport keeps its limits', () => {
  it('past the cap of the process it answers OVERLOADED at once; what waits has its own', async () => {
    const broker = await startBroker();
    const service = await startFakes({
      NATS_URL: broker.url,
      MAX_IN_FLIGHT: '10',
      MAX_WAITING: '3',
    });
    await service.nats;
    const nc = await connect({ servers: broker.url });
    const claim = { workerId: 'w', taskTypes: ['a'], waitMs: 30_000 };
    const waits = Array.from({ length: 4 }, () => request(nc, command('claim_tasks'), claim));
    expect((await waits[3])?.err?.code).toBe('OVERLOADED');
    const held = Array.from({ length: 12 }, () => request(nc, command('complete_task'), task));
    await service.held.whenArrived(10);
    const first = await Promise.race([Promise.all(held.slice(10)), Promise.all(held.slice(0, 10))]);
    expect(first.map(({ err }) => err?.code)).toEqual(['OVERLOADED', 'OVERLOADED']);
    expect(service.app.get(RequestGate).load).toEqual({ inFlight: 10, waiting: 3 });
    service.held.release();
    expect((await Promise.all(held)).filter(({ response }) => response)).toHaveLength(10);
    await service.close();
    expect((await Promise.all(waits.slice(0, 3))).map(({ response }) => response)).toEqual(
      Array(3).fill({ tasks: [] }),
    );
    await nc.close();
    await broker.stop();
  });

  it('takes no request past 1 MiB even from a broker that does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskmanager-nats-'));
    const config = join(folder, 'nats.conf');
    writeFileSync(config, 'max_payload: 4194304\n');
    const broker = await startBroker({ args: ['-c', config] });
    const service = await startFakes({ NATS_URL: broker.url });
    await service.nats;
    const nc = await connect({ servers: broker.url });
    const { err } = await request(nc, 'echo', 'x'.repeat(1024 * 1024));
    expect(err).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { field: 'request' } });
    await nc.close();
    await service.close();
    await broker.stop();
    rmSync(folder, { recursive: true });
  });
});

interface Subscribes {
  subscribe(): void;
}

describe('The NATS transport and its broker', () => {
  it('waits for a broker that is not there, while TCP serves', async () => {
    const port = await freePort();
    const service = await startFakes({ NATS_URL: `nats://127.0.0.1:${port}` });
    const client = await RawTcp.connect(service.port);
    expect(await client.ok('echo', 1)).toBe(1);
    const broker = await startBroker({ port });
    await service.nats;
    const nc = await connect({ servers: broker.url });
    expect((await request(nc, 'echo', 2)).response).toBe(2);
    await client.end();
    await nc.close();
    await service.close();
    await broker.stop();
  });

  it('is told in the log, and TCP serves on, when its start fails', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const told = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const subscribes = jest.spyOn(NatsServer.prototype as unknown as Subscribes, 'subscribe');
    subscribes.mockImplementation(() => {
      throw new TypeError('no such thing');
    });
    const broker = await startBroker();
    const service = await startFakes({ NATS_URL: broker.url });
    const client = await RawTcp.connect(service.port);
    expect(await client.ok('echo', 1)).toBe(1);
    while (told.mock.calls.length + unhandled.length === 0) await setImmediate();
    expect(unhandled).toEqual([]);
    expect(told).toHaveBeenCalledWith('NATS is not served', expect.stringContaining('no such'));
    await expect(service.nats).rejects.toThrow('no such thing');
    process.off('unhandledRejection', note);
    subscribes.mockRestore();
    told.mockRestore();
    await client.end();
    await service.close();
    await broker.stop();
  });

  it('stops while it still waits', async () => {
    const service = await startFakes({ NATS_URL: `nats://127.0.0.1:${await freePort()}` });
    await service.close();
  });

  it('comes back after the broker was away, however often', async () => {
    let broker = await startBroker();
    const service = await startFakes({ NATS_URL: broker.url });
    await service.nats;
    const nc = await connect({
      servers: broker.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    for (let round = 1; round <= 2; round++) {
      nc.publish(command('complete_task'), JSON.stringify(task), { reply: 'nobody.listens' });
      await service.held.whenArrived(round);
      await broker.stop();
      // Answered into a connection that is gone: nobody may be harmed by it.
      service.held.release();
      broker = await startBroker({ port: broker.port });
      // What is asked while the connection is down is not answered later.
      const echo = JSON.stringify({ data: round });
      await eventually(async () => (await raw(nc, 'echo', echo, 200)).response === round);
    }
    await nc.close();
    await service.close();
    await broker.stop();
  });

  it('stops by answering what is in flight and refusing what is new; nobody hangs', async () => {
    const broker = await startBroker();
    const service = await startFakes({ NATS_URL: broker.url });
    await service.nats;
    const nc = await connect({ servers: broker.url });
    const held = Array.from({ length: 50 }, () => request(nc, command('complete_task'), task));
    await service.held.whenArrived(50);
    const closing = service.close();
    const late = Array.from({ length: 20 }, () =>
      request(nc, 'echo', 1).catch((error: unknown) => error),
    );
    for (const outcome of await Promise.all(late)) {
      if (outcome instanceof RequestError) expect(outcome.isNoResponders()).toBe(true);
      else expect((outcome as RawReply).err?.code).toBe('UNAVAILABLE');
    }
    service.held.release();
    expect((await Promise.all(held)).every(({ response }) => response !== undefined)).toBe(true);
    await closing;
    await nc.close();
    await broker.stop();
  });

  it('stops in time when the broker is away and something is in flight', async () => {
    const broker = await startBroker();
    const service = await startFakes({ NATS_URL: broker.url, SHUTDOWN_TIMEOUT_MS: '100' });
    await service.nats;
    const nc = await connect({ servers: broker.url, reconnect: false });
    nc.publish(command('complete_task'), JSON.stringify(task));
    await service.held.whenArrived(1);
    await broker.stop();
    await service.close();
    await nc.close();
  });
});

describe('The NATS transport shows who it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'taskmanager-nats-'));
  const at = (name: string) => join(folder, name);

  afterAll(() => rmSync(folder, { recursive: true }));

  async function serves(
    args: string[],
    variables: Record<string, string>,
    own: object,
  ): Promise<void> {
    const broker = await startBroker({ args });
    const service = await startFakes({ NATS_URL: broker.url, ...variables });
    await service.nats;
    const nc = await connect({ servers: broker.url, ...own });
    expect((await request(nc, 'echo', 1)).response).toBe(1);
    await nc.close();
    await service.close();
    await broker.stop();
  }

  it('by user and password', () =>
    serves(
      ['--user', 'ann', '--pass', 'secret'],
      { NATS_USER: 'ann', NATS_PASSWORD: 'secret' },
      { user: 'ann', pass: 'secret' },
    ));

  it('by token', () => serves(['--auth', 'tkn'], { NATS_TOKEN: 'tkn' }, { token: 'tkn' }));

  it('by nkey', async () => {
    const user = nkeys.createUser();
    writeFileSync(
      at('nkey.conf'),
      `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }\n`,
    );
    writeFileSync(at('seed'), user.getSeed());
    const authenticator = nkeyAuthenticator(user.getSeed());
    await serves(['-c', at('nkey.conf')], { NATS_NKEY_FILE: at('seed') }, { authenticator });
  });

  it('by a certificate, over TLS; the TCP side has TLS and client certificates too', async () => {
    const run = (...args: string[]) =>
      execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    run(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=ca',
      '-days',
      '2',
    );
    for (const name of ['server', 'client']) {
      run(
        'req',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=${name}`,
      );
      writeFileSync(at('san'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
      run(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-out',
        `${name}.pem`,
        '-days',
        '2',
        '-extfile',
        'san',
      );
    }
    const files = { caFile: at('ca.pem'), certFile: at('client.pem'), keyFile: at('client.key') };
    await serves(
      [
        '--tlsverify',
        '--tlscert',
        at('server.pem'),
        '--tlskey',
        at('server.key'),
        '--tlscacert',
        at('ca.pem'),
      ],
      {
        NATS_TLS_CA: at('ca.pem'),
        NATS_TLS_CERT: at('client.pem'),
        NATS_TLS_KEY: at('client.key'),
      },
      { tls: files },
    );

    const service = await startFakes({
      TCP_TLS_CERT: at('server.pem'),
      TCP_TLS_KEY: at('server.key'),
      TCP_TLS_CA: at('ca.pem'),
      TCP_TLS_CLIENT_CERT: 'true',
    });
    const ca = readFileSync(at('ca.pem'));
    const known = { ca, cert: readFileSync(at('client.pem')), key: readFileSync(at('client.key')) };
    const client = await RawTcp.connect(service.port, known);
    expect(await client.ok('echo', 1)).toBe(1);
    // With TLS 1.3 the server's refusal comes after the handshake, as the end of the connection.
    const stranger = await RawTcp.connect(service.port, { ca });
    await stranger.closed;
    const plain = await RawTcp.connect(service.port);
    plain.write('5#"hi!"');
    await plain.closed;
    expect(await client.ok('echo', 2)).toBe(2);
    await client.end();
    await service.close();
  });

  it('serves tasks.admin.* when tokens say who asks', async () => {
    const tokens = at('tokens.json');
    const sha = (token: string) => createHash('sha256').update(token).digest('hex');
    const callers = {
      [sha('x')]: { id: 'admin', roles: ['admin'] },
      [sha('c')]: { id: 'client', roles: ['client', 'worker', 'approver', 'reader'] },
    };
    writeFileSync(tokens, JSON.stringify(callers));
    const broker = await startBroker();
    const service = await startFakes({ NATS_URL: broker.url, AUTH_FILE: tokens });
    await service.nats;
    const nc = await connect({ servers: broker.url });
    const ask = (name: string, fields: object, token?: string) =>
      request(nc, admin(name), { ...fields, meta: { ...(token !== undefined && { token }) } });
    expect(await ask('list_processors', {}, 'x')).toMatchObject({
      response: { context: { actor: { id: 'admin', verified: true } } },
    });
    expect(await ask('pause_processor', { name: 'tasks' }, 'x')).toMatchObject({
      response: { name: 'tasks', context: { transport: 'nats' } },
    });
    expect((await ask('pause_processor', { name: 'tasks' })).err?.code).toBe('UNAUTHENTICATED');
    expect((await ask('list_processors', {}, 'c')).err?.code).toBe('FORBIDDEN');
    expect((await ask('anything', {}, 'x')).err?.code).toBe('VALIDATION_FAILED');
    await nc.close();
    await service.close();
    await broker.stop();
  });
});

/** Tries again until it holds: for what another process has to notice by itself. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 10_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > until) throw new Error('it did not come true in 10 s');
    await setImmediate();
  }
}
