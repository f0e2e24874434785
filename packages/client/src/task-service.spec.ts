import { afterEach, describe, expect, it } from '@jest/globals';
import { accept, type Answer, FrameServer, position } from '../test/frame-server.js';
import { TaskManager, TaskService } from './index.js';

/** What depends on answers that a real service gives once in a while only. */

let server: FrameServer;
let client: TaskManager;
let tasks: TaskService;

/** @param answers those to each message's name, in order; the last one again and again */
async function start(answers: Readonly<Record<string, readonly Answer[]>>) {
  const asked = new Map<string, number>();
  server = await FrameServer.start(({ pattern }) => {
    const name = pattern.split('.')[2] ?? '';
    const count = asked.get(name) ?? 0;
    asked.set(name, count + 1);
    return (answers[name] ?? []).at(Math.min(count, (answers[name]?.length ?? 0) - 1));
  });
  client = await TaskManager.connect({ transport: 'tcp', port: server.port, tryTimeoutMs: 100 });
  tasks = new TaskService(client, { appName: 'shop' });
}

const named = (name: string) => server.received.filter(({ pattern }) => pattern.endsWith(name));

afterEach(async () => {
  await client.close({ waitMs: 0 });
  await server.stop();
});

describe('TaskService', () => {
  it('says that it cancelled a task when the answer was lost and came with the second try', async () => {
    const repeated = { ...accept('cancel_task', { id: 'a' }), repeated: true };
    await start({ cancel_task: [undefined, { response: repeated }] });
    expect(await tasks.cancelTask('a')).toBe(true);
    expect(named('cancel_task')).toHaveLength(2);
  });

  it('cleans up call after call, each from a view that knows of the one before', async () => {
    const round = (deleted: number, more: boolean, offset: number) => ({
      response: { deleted, more, position: position(offset) },
    });
    await start({
      cleanup_tasks: [round(1_000, true, 7), round(1_000, true, 9), round(3, false, 9)],
    });
    expect(await tasks.cleanupTasks(60_000)).toBe(2_003);
    const calls = named('cleanup_tasks').map(({ data }) => data);
    expect(calls).toMatchObject(Array(3).fill({ appName: 'shop', maxAgeMs: 60_000 }));
    const after = calls.map(({ meta }) => (meta as { after?: string }).after);
    expect(after).toEqual([undefined, position(7), position(9)]);
  });

  it('ends a cleanup that deletes nothing any more, whatever else may be there', async () => {
    await start({ cleanup_tasks: [{ response: { deleted: 0, more: true } }] });
    expect(await tasks.cleanupTasks()).toBe(0);
    expect(named('cleanup_tasks')).toHaveLength(1);
  });

  it('lists 1,000 tasks and no more', async () => {
    const page = Array.from({ length: 500 }, (_, n) => ({ id: n }));
    await start({ list_tasks: [{ response: { tasks: page, nextCursor: 'next' } }] });
    expect(await tasks.listTasks('publish')).toHaveLength(1_000);
    expect(named('list_tasks').map(({ data }) => data)).toMatchObject([
      { appName: 'shop', taskTypes: ['publish'], limit: 500 },
      { appName: 'shop', taskTypes: ['publish'], limit: 500, cursor: 'next' },
    ]);
  });

  it('loads every page', async () => {
    const tasksOf = (id: string, nextCursor?: string) => ({
      response: { tasks: [{ id }], nextCursor },
    });
    await start({ load_persistent_tasks: [tasksOf('a', '1'), tasksOf('b', '2'), tasksOf('c')] });
    expect(await tasks.loadPersistentTasks()).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  });

  it('asks for the events of its app alone, once for all its listeners, and for none without them', async () => {
    const end = { response: { events: [], position: position(1), caughtUp: true } };
    await start({});
    server.answer = ({ data }) => (data.from === 'now' ? end : undefined);
    const stop = await tasks.onTaskCompleted(() => undefined);
    const stopOther = await tasks.onTaskFailed(() => undefined);
    const reads = () => named('read_events').filter(({ data }) => data.from !== 'now');
    while (reads().length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(reads().map(({ data }) => data)).toMatchObject([
      { appName: 'shop', events: ['completed', 'failed', 'cancelled', 'progress', 'retry'] },
    ]);
    stop();
    stopOther();
    await expect(tasks.onTaskRetry(undefined as never)).rejects.toThrow(TypeError);
  });

  it('hands on what is no answer to its question', async () => {
    const refused = { err: { code: 'FORBIDDEN', message: 'not yours', correlationId: 'c' } };
    await start({ cancel_task: [refused], retry_task: [refused] });
    await expect(tasks.cancelTask('a')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(tasks.retryTask('a')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
