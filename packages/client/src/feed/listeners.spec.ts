import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { FeedEvent } from '@taskmanager/protocol';
import { acceptAll, FrameServer, position, type Answer } from '../../test/frame-server.js';
import { TaskManager, type TaskManagerError } from '../index.js';

let server: FrameServer;
let client: TaskManager;
/** The log of the service: one entry an event, at position index + 1. */
let log: FeedEvent[];
let waiting: (() => void)[];
let errors: unknown[];

function happen(event: string, taskId: string, fields: Partial<FeedEvent> = {}) {
  log.push({
    event,
    type: event,
    position: position(log.length + 1),
    revision: 0,
    taskId,
    taskType: 'publish',
    appName: 'shop',
    status: 'running',
    at: 1,
    actor: { id: 'mia', roles: [], verified: false },
    data: {},
    ...fields,
  });
  for (const wake of waiting.splice(0)) wake();
}

const LOST: Answer = {
  err: {
    code: 'VALIDATION_FAILED',
    message: 'beyond the end',
    details: { field: 'from' },
    correlationId: 'c',
  },
};

/** read_events over `log`, two events a page. */
async function readEvents(from: string, waitMs: number): Promise<Answer> {
  if (from === 'now') {
    return { response: { events: [], caughtUp: true, position: log.at(-1)?.position } };
  }
  const seen = from === 'start' ? 0 : Number(from.slice(9));
  if (seen > log.length) return LOST;
  if (log.length === seen && waitMs > 0) await new Promise<void>((wake) => waiting.push(wake));
  const events = log.slice(seen, seen + 2);
  const last = events.at(-1)?.position ?? (from === 'start' ? undefined : from);
  return { response: { events, position: last, caughtUp: seen + 2 >= log.length } };
}

beforeEach(async () => {
  log = [];
  waiting = [];
  errors = [];
  server = await FrameServer.start((request, socket) => {
    const { from, waitMs } = request.data as { from: string; waitMs: number };
    return request.pattern.endsWith('read_events')
      ? readEvents(from, waitMs)
      : acceptAll(request, socket);
  });
  const onError = (error: unknown) => void errors.push(error);
  client = await TaskManager.connect({ transport: 'tcp', port: server.port, onError });
});

afterEach(async () => {
  await client.close({ waitMs: 0 });
  await server.stop();
});

/** A listener, and a promise of the moment it has heard so many events. */
function ear() {
  const heard: string[] = [];
  let wake = () => {};
  const listener = (event: string, { taskId, status }: { taskId: string; status: string }) => {
    heard.push(`${event} ${taskId} ${status}`);
    wake();
  };
  const until = (count: number) =>
    new Promise<string[]>((resolve) => {
      wake = () => heard.length >= count && resolve(heard);
      wake();
    });
  return { heard, listener, until };
}

describe('a listener', () => {
  it('hears what happens after it was added, in order, once, page after page', async () => {
    happen('created', 'before');
    const { listener, until } = ear();
    await client.addTaskEventListener(listener);
    happen('created', 'a', { status: 'pending' });
    happen('started', 'a');
    happen('progress', 'a', { data: { progress: 50 } });
    happen('lease_renewed', 'a');
    happen('failed', 'a', { status: 'failed' });
    expect(await until(4)).toEqual([
      'task_created a pending',
      'task_status_updated a running',
      'task_progress_updated a running',
      'task_status_updated a failed',
    ]);
  });

  it('that is no function is refused when it is added, not at each event', async () => {
    const listeners = { task_created: () => undefined } as never;
    await expect(client.addTaskEventListener(listeners)).rejects.toThrow(TypeError);
    happen('created', 'a');
    const { listener, until } = ear();
    await client.addTaskEventListener(listener);
    happen('created', 'b', { status: 'pending' });
    await until(1);
    expect(errors).toEqual([]);
  });

  it('of one name is told of those events alone, with their own fields', async () => {
    const heard: unknown[] = [];
    const all: string[] = [];
    const whole = new Promise<void>((resolve) => {
      void client.on('task:*', ({ event }) => {
        all.push(event);
        if (event === 'completed') resolve();
      });
    });
    const remove = await client.on('task:retry', (data) => void heard.push(data));
    happen('failed', 'a');
    happen('lease_renewed', 'a');
    happen('retry', 'a', { status: 'pending', data: { retryCount: 1, maxRetries: 3 } });
    happen('completed', 'a');
    await whole;
    expect(all).toEqual(['failed', 'lease_renewed', 'retry', 'completed']);
    expect(heard).toEqual([
      expect.objectContaining({ taskId: 'a', status: 'pending', retryCount: 1, maxRetries: 3 }),
    ]);
    remove();
    await expect(client.on('task:retried' as never, () => undefined)).rejects.toThrow(
      /no event task:retried.*task:retry,/,
    );
  });

  it('is told the fields of the event beside those of the task', async () => {
    const told = new Promise((resolve) => {
      void client.addTaskEventListener((event, data) => resolve([event, data]));
    });
    await client.startTask('x');
    happen('failed', 'a', { status: 'failed', data: { error: 'chunk 3 is broken' } });
    expect(await told).toEqual([
      'task_status_updated',
      expect.objectContaining({
        taskId: 'a',
        status: 'failed',
        error: 'chunk 3 is broken',
        event: 'failed',
        appName: 'shop',
        position: position(1),
      }),
    ]);
  });

  it('is in place before commands that were made after it, awaited or not', async () => {
    const { listener } = ear();
    void client.addTaskEventListener(listener);
    await Promise.all([client.startTask('a'), client.pauseAllRunningTasks()]);
    const [first] = server.received;
    expect(first).toMatchObject({ pattern: 'tasks.query.read_events', data: { from: 'now' } });
    const held = server.received.filter(({ pattern }) => pattern.startsWith('tasks.command'));
    expect(held).toHaveLength(2);
  });

  it('loses and repeats nothing when the connection breaks again and again', async () => {
    const { listener, until } = ear();
    await client.addTaskEventListener(listener);
    for (let round = 0; round < 5; round++) {
      happen('created', `task-${2 * round}`);
      await until(2 * round + 1);
      server.cut();
      happen('created', `task-${2 * round + 1}`);
      await until(2 * round + 2);
    }
    const tasks = (await until(10)).map((line) => line.split(' ')[1]);
    expect(tasks).toEqual(Array.from({ length: 10 }, (_, n) => `task-${n}`));
  });

  it('that throws hears on, and others too; onError is told', async () => {
    const { listener, until } = ear();
    await client.addTaskEventListener(() => {
      throw new Error('sync');
    });
    await client.addTaskEventListener(async () => {
      throw new Error('async');
    });
    await client.addTaskEventListener(listener);
    happen('created', 'a');
    happen('created', 'b');
    await until(2);
    await client.startTask('x');
    expect(errors.map((error) => (error as Error).message).sort()).toEqual([
      'async',
      'async',
      'sync',
      'sync',
    ]);
  });

  it('goes on when an older log was put back, from its end, and onError is told so once', async () => {
    const { listener, until } = ear();
    for (const id of ['a', 'b', 'c']) happen('created', id);
    await client.addTaskEventListener(listener);
    happen('created', 'd');
    await until(1);
    log = log.slice(0, 1);
    server.cut();
    for (const wake of waiting.splice(0)) wake();
    while (!errors.some((error) => (error as Error).message.includes('begins anew'))) {
      await setImmediate();
    }
    while (waiting.length === 0) await setImmediate();
    happen('created', 'e');
    happen('created', 'f');
    expect((await until(3)).map((line) => line.split(' ')[1])).toEqual(['d', 'e', 'f']);
    const told = errors.filter((error) => (error as TaskManagerError).code === 'VALIDATION_FAILED');
    expect(told).toHaveLength(1);
  });

  it('hears on when it throws and onError throws too', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const onError = () => {
      throw new Error('onError is broken');
    };
    const careless = await TaskManager.connect({ transport: 'tcp', port: server.port, onError });
    const { listener, until } = ear();
    await careless.addTaskEventListener(() => {
      throw new Error('sync');
    });
    await careless.addTaskEventListener(listener);
    happen('created', 'a');
    happen('created', 'b');
    server.cut();
    happen('created', 'c');
    await until(3);
    await careless.close({ waitMs: 0 });
    expect(warn).toHaveBeenCalledWith(new Error('onError is broken'));
    warn.mockRestore();
  });

  it('shares one feed with the others, each from its own start', async () => {
    const early = ear();
    const late = ear();
    await client.addTaskEventListener(early.listener);
    happen('created', 'a');
    await client.addTaskEventListener(late.listener);
    happen('created', 'b');
    await early.until(2);
    expect(await late.until(1)).toEqual(['task_created b running']);
    const reads = server.received.filter(
      ({ data }) => data.from !== undefined && data.from !== 'now',
    );
    const from = reads.map(({ data }) => data.from);
    expect(new Set(from).size).toBe(from.length);
  });

  it('hears nothing after it was removed', async () => {
    const gone = ear();
    const { listener, until } = ear();
    const remove = await client.addTaskEventListener(gone.listener);
    await client.addTaskEventListener(listener);
    remove();
    happen('created', 'a');
    await until(1);
    expect(gone.heard).toEqual([]);
  });

  it('that cannot be put in place is refused, and commands go on', async () => {
    server.answer = (request, socket) =>
      request.pattern.endsWith('read_events')
        ? { err: { code: 'FORBIDDEN', message: 'no', correlationId: 'c' } }
        : acceptAll(request, socket);
    const adding = client.addTaskEventListener(() => undefined);
    const starting = client.startTask('a');
    await expect(adding).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await starting).toMatchObject({ taskId: 'a' });
  });
});
