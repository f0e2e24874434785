import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { RequestGate } from '../src/transport/index.js';
import { TcpServer } from '../src/transport/tcp/tcp-server.js';
import { type FakeService, startFakes } from './transport-fakes.js';
import { command, frame, RawTcp } from './transport-raw.js';

const task = { id: randomUUID() };

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
