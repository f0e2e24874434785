import { afterEach, describe, expect, it } from '@jest/globals';
import { accept, acceptAll, type Answerer, FrameServer } from '../test/frame-server.js';
import { TaskManager, type TaskManagerError } from './index.js';
import type { TcpConnectOptions } from './options.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server: FrameServer;
let client: TaskManager;

async function start(answer: Answerer, options: Partial<TcpConnectOptions> = {}) {
  server = await FrameServer.start(answer);
  client = await TaskManager.connect({ transport: 'tcp', port: server.port, ...options });
}

afterEach(async () => {
  await client.close({ waitMs: 0 });
  await server.stop();
});

interface Item {
  readonly command: string;
  readonly args: { readonly id: string; readonly completedItems?: number };
  readonly meta: { readonly commandId: string; readonly retry?: boolean };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

const patterns = () => server.received.map(({ pattern }) => pattern);
const itemsOf = (index: number) => (server.received[index]?.data.commands ?? []) as Item[];
const metaOf = (index: number) => server.received[index]?.data.meta as Record<string, unknown>;
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as TaskManagerError,
  );

describe('commands', () => {
  it('carry a new UUID v7 as id and commandId, the actor and the token', async () => {
    await start(acceptAll, { actor: 'mia', token: 'secret' });
    const id = await client.createTask(
      'Publish',
      'publish',
      'shop',
      { chunks: 3 },
      { priority: 5 },
    );
    expect(id).toMatch(UUID_V7);
    expect(server.received).toHaveLength(1);
    expect(server.received[0]).toMatchObject({
      pattern: 'tasks.command.create_task',
      data: {
        id,
        name: 'Publish',
        taskType: 'publish',
        appName: 'shop',
        data: { chunks: 3 },
        priority: 5,
        meta: { token: 'secret', actor: { id: 'mia' }, commandId: expect.stringMatching(UUID_V7) },
      },
    });
  });

  it('leave the id to the service when the caller has a key of its own', async () => {
    await start(() => ({ response: accept('create_task', { id: 'from-the-key' }) }), {
      appName: 'shop',
    });
    const id = await client.createTask('Publish', 'publish', undefined, null, {
      idempotencyKey: 'k',
    });
    expect(id).toBe('from-the-key');
    expect(server.received[0]?.data).not.toHaveProperty('id');
    expect(server.received[0]?.data.appName).toBe('shop');
  });

  it('of one turn go together, and each gets its own answer or error', async () => {
    await start(({ data }) => ({
      response: {
        results: (data.commands as Item[]).map(({ command, args }) =>
          args.id === 'b'
            ? { error: { code: 'TASK_NOT_FOUND', message: 'no b', correlationId: 'c' } }
            : { ok: accept(command, args) },
        ),
      },
    }));
    const [a, b, c] = await Promise.allSettled([
      client.pauseTask('a', { reason: 'lunch' }),
      client.pauseTask('b'),
      client.completeTask('c', { result: 1 }),
    ]);
    expect(patterns()).toEqual(['tasks.command.batch']);
    expect(itemsOf(0)).toMatchObject([
      { command: 'pause_task', args: { id: 'a', reason: 'lunch' } },
      { command: 'pause_task', args: { id: 'b' } },
      { command: 'complete_task', args: { id: 'c', result: 1 } },
    ]);
    expect(a).toMatchObject({ value: { taskId: 'a' } });
    expect(b).toMatchObject({ reason: { code: 'TASK_NOT_FOUND', correlationId: 'c' } });
    expect(c).toMatchObject({ value: { taskId: 'c' } });
  });

  it('are each a message of their own without coalescing', async () => {
    await start(acceptAll, { coalesce: false });
    await Promise.all([client.pauseTask('a'), client.pauseTask('b')]);
    expect(patterns()).toEqual(['tasks.command.pause_task', 'tasks.command.pause_task']);
  });

  it('of one turn are shared out to two messages when they are many, a task in one of them', async () => {
    await start(acceptAll);
    await Promise.all(
      Array.from({ length: 200 }, (_, n) => client.updateTaskProgress(`t${n % 100}`, n, 200)),
    );
    const batches = server.received.map((_, index) => itemsOf(index));
    expect(batches).toHaveLength(2);
    expect(batches.flat()).toHaveLength(200);
    for (const items of batches) {
      expect(new Set(items.map(({ args }) => args.id)).size).toBe(items.length / 2);
    }
  });

  it('are split by bytes, and those of one task never overtake each other', async () => {
    await start(acceptAll);
    const data = 'ü'.repeat(60_000);
    await Promise.all(Array.from({ length: 10 }, () => client.updateTaskData('a', data)));
    const sizes = server.received.map((request) => Buffer.byteLength(JSON.stringify(request)));
    expect(server.received.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThan(600 * 1024);
    const ids = server.received.flatMap((request, index) =>
      request.pattern.endsWith('batch') ? itemsOf(index).length : 1,
    );
    expect(ids.reduce((sum, n) => sum + n, 0)).toBe(10);
  });

  it('about a task wait while one about it is in flight, then go together', async () => {
    const arrived = gate();
    const held = gate();
    await start(async (request, socket) => {
      if (request.data.completedItems === 1) {
        arrived.open();
        await held.opened;
      }
      return acceptAll(request, socket);
    });
    const first = client.updateTaskProgress('a', 1, 3);
    await arrived.opened;
    const rest = [client.updateTaskProgress('a', 2, 3), client.completeTask('a')];
    await client.pauseTask('b');
    expect(server.received.slice(1)).toMatchObject([{ data: { id: 'b' } }]);
    held.open();
    await Promise.all([first, ...rest]);
    expect(itemsOf(2).map(({ command }) => command)).toEqual([
      'update_task_progress',
      'complete_task',
    ]);
  });

  it('refused as a batch are sent one by one', async () => {
    await start((request, socket) =>
      request.pattern.endsWith('batch')
        ? { err: { code: 'PAYLOAD_TOO_LARGE', message: 'big', correlationId: 'c' } }
        : acceptAll(request, socket),
    );
    await Promise.all([client.pauseTask('a'), client.pauseTask('b')]);
    expect(patterns().slice(1)).toEqual(['tasks.command.pause_task', 'tasks.command.pause_task']);
  });
});

describe('a command without a known outcome', () => {
  it('is sent again with the same commandId, marked as a retry, when the connection breaks', async () => {
    await start((request, socket) => {
      if (server.received.length === 1) return void socket.destroy();
      return acceptAll(request, socket);
    });
    await client.startTask('a');
    expect(metaOf(0)).not.toHaveProperty('retry');
    expect(metaOf(1)).toEqual({ commandId: metaOf(0).commandId, retry: true });
  });

  it('is marked as a retry from the first try on by who sent it before', async () => {
    await start(acceptAll, { coalesce: false });
    const commandId = '01890000-0000-7000-8000-000000000001';
    await client.startTask('a', { commandId, retry: true });
    expect(metaOf(0)).toEqual({ commandId, retry: true });
    expect(server.received[0]?.data).not.toHaveProperty('retry');
  });

  it('is sent again when one try took too long', async () => {
    await start(
      (request, socket) => (server.received.length === 1 ? undefined : acceptAll(request, socket)),
      {
        tryTimeoutMs: 60,
      },
    );
    await client.startTask('a');
    expect(metaOf(1)).toEqual({ commandId: metaOf(0).commandId, retry: true });
  });

  it('is sent again from within a batch, alone with others of its kind', async () => {
    await start((request, socket) => {
      if (server.received.length > 1) return acceptAll(request, socket);
      const error = { code: 'UNAVAILABLE', message: 'disk full', correlationId: 'c' };
      return { response: { results: [{ error }, { ok: accept('pause_task', { id: 'b' }) }] } };
    });
    await Promise.all([client.pauseTask('a'), client.pauseTask('b')]);
    const [a] = itemsOf(0);
    expect(server.received[1]).toMatchObject({
      pattern: 'tasks.command.pause_task',
      data: { id: 'a', meta: { commandId: a?.meta.commandId, retry: true } },
    });
  });

  it('is sent again without the mark when it was refused for load: it had no effect', async () => {
    await start((request, socket) =>
      server.received.length === 1
        ? { err: { code: 'OVERLOADED', message: 'busy', correlationId: 'c' } }
        : acceptAll(request, socket),
    );
    await client.startTask('a');
    expect(metaOf(1)).toEqual({ commandId: metaOf(0).commandId });
  });

  it('ends with an error that says so', async () => {
    await start(() => undefined);
    const error = await caught(client.startTask('a', { timeoutMs: 80 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', details: { outcome: 'unknown' } });
    expect(error?.message).toContain('outcome is unknown');
    expect(error?.details?.commandId).toBe(metaOf(0).commandId);
  });

  it('has no effect when it was given up while there was no connection, alone or among others', async () => {
    await start(acceptAll);
    await server.stop();
    const { port } = server;
    const late = await TaskManager.connect({ transport: 'tcp', port, lazy: true });
    const stopping = new AbortController();
    const { signal } = stopping;
    const handedOver = () => new Promise((resolve) => setImmediate(resolve));
    const given = [caught(late.startTask('alone', { signal }))];
    await handedOver();
    const wanted = late.startTask('wanted');
    given.push(caught(late.startTask('among others', { signal })));
    await handedOver();
    stopping.abort();
    for (const error of await Promise.all(given)) {
      expect(error).toMatchObject({ code: 'ABORTED', details: { outcome: 'not_sent' } });
    }
    server = await FrameServer.start(acceptAll, port);
    expect(await wanted).toMatchObject({ taskId: 'wanted' });
    expect(JSON.stringify(server.received)).not.toMatch(/alone|among others/);
    await late.close();
  });

  it('had no effect when it was never sent', async () => {
    await start(acceptAll);
    await server.stop();
    const { port } = server;
    const late = await TaskManager.connect({ transport: 'tcp', port, lazy: true });
    const error = await caught(late.startTask('a', { timeoutMs: 200 }));
    await late.close();
    expect(error).toMatchObject({ code: 'UNAVAILABLE', details: { outcome: 'not_sent' } });
  });
});
