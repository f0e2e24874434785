import { afterEach, describe, expect, it } from '@jest/globals';
import { accept, acceptAll, type Answerer, FrameServer, position } from '../test/frame-server.js';
import { TaskManager } from './index.js';
import type { TcpConnectOptions } from './options.js';

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

const metaOf = (index: number) => server.received[index]?.data.meta;

describe('reading your own writes', () => {
  it('sends the newest position seen with queries and filter commands, and with no other command', async () => {
    const offsets: Record<string, number> = { a: 7, b: 5 };
    await start(({ pattern, data }) => ({
      response: accept(pattern, data, offsets[String(data.id)]),
    }));
    await client.startTask('a');
    await client.startTask('b');
    await client.query('get_task', { id: 'a' });
    await client.pauseAllRunningTasks();
    expect(metaOf(1)).not.toHaveProperty('after');
    expect(metaOf(2)).toMatchObject({ after: position(7) });
    expect(metaOf(3)).toMatchObject({ after: position(7) });
  });

  it('starts over when the service has a new log', async () => {
    await start(({ pattern, data }) => {
      const { after } = data.meta as { after?: string };
      if (pattern.startsWith('tasks.command')) return { response: accept(pattern, data, 9) };
      if (after === undefined) return { response: { id: data.id } };
      const details = { field: 'after' };
      return {
        err: { code: 'VALIDATION_FAILED', message: 'other log', details, correlationId: 'c' },
      };
    });
    await client.startTask('a');
    expect(await client.getTask('a')).toEqual({ id: 'a' });
  });
});

describe('a call', () => {
  it('rejects with the code, details and correlation id of the service', async () => {
    const details = { status: 'completed' };
    await start(() => ({
      err: { code: 'INVALID_TRANSITION', message: 'It is done', details, correlationId: 'c' },
    }));
    await expect(client.pauseTask('a')).rejects.toMatchObject({
      name: 'TaskManagerError',
      code: 'INVALID_TRANSITION',
      message: 'It is done',
      details,
      correlationId: 'c',
    });
    expect(server.received).toHaveLength(1);
  });

  it('ends at once when its signal fires, and is not sent when it had not been', async () => {
    await start(() => undefined);
    const giveUp = new AbortController();
    const running = client.getTask('a', { signal: giveUp.signal });
    const queued = client.startTask('b', { signal: giveUp.signal });
    giveUp.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(queued).rejects.toMatchObject({
      code: 'ABORTED',
      details: { outcome: 'not_sent' },
    });
  });

  it('is refused past the queue limit and after close; what is in flight then is rejected', async () => {
    await start(() => undefined, { maxQueued: 1 });
    const first = client.startTask('a');
    await expect(client.startTask('b')).rejects.toMatchObject({ code: 'OVERLOADED' });
    const closed = expect(first).rejects.toMatchObject({ code: 'CLOSED' });
    await client.close({ waitMs: 20 });
    await closed;
    await expect(client.startTask('c')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('waits for room when as many messages are in flight as allowed', async () => {
    let most = 0;
    let now = 0;
    await start(
      async (request, socket) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return acceptAll(request, socket);
      },
      { maxInFlight: 3, coalesce: false },
    );
    await Promise.all(Array.from({ length: 30 }, (_, n) => client.startTask(`t${n}`)));
    expect(most).toBeLessThanOrEqual(3);
    expect(server.received).toHaveLength(30);
  });

  it('that is in flight at close gets its answer', async () => {
    await start(acceptAll);
    const starting = client.startTask('a');
    await client.close();
    expect(await starting).toMatchObject({ taskId: 'a' });
  });

  it('survives a peer that sends garbage: the connection is made anew', async () => {
    await start((request, socket) => {
      if (server.received.length > 1) return acceptAll(request, socket);
      socket.write('HTTP/1.1 400 Bad Request\r\n');
      return undefined;
    });
    expect(await client.startTask('a')).toMatchObject({ taskId: 'a' });
    expect(metaOf(1)).toMatchObject({ retry: true });
  });
});

describe('connect', () => {
  it('says where it looked when nobody answers', async () => {
    await start(acceptAll);
    await server.stop();
    const connecting = TaskManager.connect({
      transport: 'tcp',
      port: server.port,
      connectTimeoutMs: 100,
    });
    await expect(connecting).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });

  it('is given up when its signal fires', async () => {
    await start(acceptAll);
    await server.stop();
    const place = { transport: 'tcp', port: server.port, connectTimeoutMs: 60_000 } as const;
    const stopping = new AbortController();
    const connecting = TaskManager.connect({ ...place, connectSignal: stopping.signal });
    stopping.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' });
    const late = TaskManager.connect({ ...place, connectSignal: stopping.signal });
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('pages', () => {
  it('of tasks are followed to the end, and listTasks is the first one', async () => {
    await start(({ data }) => {
      const at = Number(data.cursor ?? 0);
      const nextCursor = at < 4 ? String(at + 2) : undefined;
      return { response: { tasks: [{ id: at }, { id: at + 1 }], nextCursor } };
    });
    const ids: unknown[] = [];
    for await (const { id } of client.tasks({ statuses: ['running'], limit: 2 })) ids.push(id);
    expect(ids).toEqual([0, 1, 2, 3, 4, 5]);
    expect(server.received.every(({ data }) => data.limit === 2)).toBe(true);
    expect(await client.listTasks()).toHaveLength(2);
  });

  it('of a history are followed to the end', async () => {
    await start(({ data }) => {
      const revision = Number(data.fromRevision);
      const nextRevision = revision < 2 ? revision + 1 : undefined;
      return { response: { events: [{ revision }], nextRevision } };
    });
    const revisions: number[] = [];
    for await (const { revision } of client.taskHistory('a')) revisions.push(revision);
    expect(revisions).toEqual([0, 1, 2]);
  });
});

describe('updateTaskProgress across a pause', () => {
  /** A service where task `a` is paused until `resume`, acknowledged or not. */
  function pausedService() {
    let status = 'paused';
    let acknowledged = false;
    const waiting: (() => void)[] = [];
    const answer: Answerer = async ({ pattern, data }) => {
      const name = pattern.split('.')[2] ?? '';
      if (name === 'acknowledge_pause') acknowledged = true;
      if (name === 'get_task') return { response: { id: data.id, status } };
      if (name === 'update_task_progress' && acknowledged && status === 'paused') {
        const details = { status };
        return { err: { code: 'INVALID_TRANSITION', message: 'no', details, correlationId: 'c' } };
      }
      if (name !== 'read_events') return { response: { ...accept(name, data, 3), status } };
      if (data.from === 'now')
        return { response: { events: [], position: position(3), caughtUp: true } };
      if (status === 'paused') await new Promise<void>((wake) => waiting.push(wake));
      const event = status === 'running' ? 'resumed' : status;
      return { response: { events: [{ event }], position: position(4), caughtUp: true } };
    };
    const become = (next: string) => {
      status = next;
      for (const wake of waiting.splice(0)) wake();
    };
    const waited = async () => {
      while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    };
    return { answer, become, waited };
  }
  const names = () => server.received.map(({ pattern }) => pattern.split('.')[2]);

  it('returns at once by default', async () => {
    await start(pausedService().answer);
    expect(await client.updateTaskProgress('a', 1, 2)).toMatchObject({ status: 'paused' });
    expect(names()).toEqual(['update_task_progress']);
  });

  it('acknowledges and resolves on resume when it is to wait', async () => {
    const service = pausedService();
    await start(service.answer);
    const updating = client.updateTaskProgress('a', 1, 2, { whilePaused: 'wait' });
    await service.waited();
    service.become('running');
    expect(await updating).toMatchObject({ taskId: 'a' });
    expect(names()).toEqual([
      'update_task_progress',
      'acknowledge_pause',
      'read_events',
      'get_task',
      'read_events',
    ]);
  });

  it('reports again after the resume when the pause had been acknowledged before', async () => {
    const service = pausedService();
    await start(service.answer);
    await client.command('acknowledge_pause', { id: 'a' });
    const updating = client.updateTaskProgress('a', 1, 2, { whilePaused: 'wait' });
    await service.waited();
    service.become('running');
    expect(await updating).toMatchObject({ status: 'running' });
    expect(names().filter((name) => name === 'update_task_progress')).toHaveLength(2);
  });

  it('rejects when the task is cancelled instead', async () => {
    const service = pausedService();
    await start(service.answer);
    const updating = client.updateTaskProgress('a', 1, 2, { whilePaused: 'wait' });
    await service.waited();
    service.become('cancelled');
    await expect(updating).rejects.toMatchObject({
      code: 'INVALID_TRANSITION',
      details: { status: 'cancelled' },
    });
  });
});
