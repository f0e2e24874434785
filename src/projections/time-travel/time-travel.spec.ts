import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Json, LIMITS, type TaskDiff, type TaskInfo } from '@taskmanager/protocol';
import { v7 } from 'uuid';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskDataUpdated,
  TaskDeleted,
  taskStream,
  TaskStarted,
} from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { message, temporaryFolder, Views } from '../views.fixture.js';
import { DiffTask } from './diff-task.query.js';
import { GetTaskAt } from './get-task-at.query.js';

const folder = temporaryFolder();
const tasks = new TaskLog(new MemoryEventLog());
let views: Views;

beforeAll(async () => {
  views = await Views.over(tasks.log, folder.path('views.db'));
});
afterAll(async () => {
  await views.close();
  folder.remove();
});

const taskAt = (fields: Partial<GetTaskAt>, apps?: string[]) =>
  views.ask<TaskInfo>(message(GetTaskAt, fields), apps ? { apps } : {});
const diff = (fields: Partial<DiffTask>, apps?: string[]) =>
  views.ask<TaskDiff>(message(DiffTask, fields), apps ? { apps } : {});

/** A task whose data was one value and then another; the changes in between. */
async function changed(before: Json, after: Json): Promise<TaskDiff> {
  const id = await tasks.create({ data: before });
  await tasks.append(id, new TaskDataUpdated({ data: after }));
  return diff({ id, fromRevision: 0 });
}

const ofData = ({ changes }: TaskDiff) => changes.filter(({ path }) => path.startsWith('/data'));

describe('get_task_at', () => {
  it('reads a long life to its end, and a deleted task before and after', async () => {
    const id = await tasks.create();
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    for (let n = 0; n < 500; n++) await tasks.append(id, new ProgressUpdated({ progress: n / 5 }));
    await tasks.append(id, new TaskDeleted({}));
    expect(await taskAt({ id, revision: 501 })).toMatchObject({
      status: 'running',
      progress: 99.8,
    });
    expect(await taskAt({ id, revision: 502 })).toMatchObject({ status: 'deleted', revision: 502 });
    expect(await taskAt({ id, at: Number.MAX_SAFE_INTEGER })).toMatchObject({ revision: 502 });
    expect(await diff({ id, fromRevision: 501 })).toMatchObject({ to: { revision: 502 } });
  });

  it('answers up to an event that was made unreadable, and names it from there on', async () => {
    const id = await tasks.create();
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    const event = { id: v7(), type: 'TaskPaused', data: '{}', metadata: '{' };
    await tasks.log.append(taskStream(id), 1n, [event]);
    expect(await taskAt({ id, revision: 1 })).toMatchObject({ status: 'running', revision: 1 });
    expect((await diff({ id, fromRevision: 0, toRevision: 1 })).changes).not.toEqual([]);
    for (const beyond of [{ revision: 2 }, { at: tasks.now }]) {
      await expect(taskAt({ id, ...beyond })).rejects.toMatchObject({
        code: 'INTERNAL',
        message: expect.stringContaining('verify_history'),
        details: { revision: 2, eventId: event.id },
      });
    }
  });

  it('takes the last event that is not later, and finds no task before it was created', async () => {
    const createdAt = tasks.now + 1;
    const id = await tasks.create();
    tasks.now += 10;
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    expect((await taskAt({ id, at: createdAt })).revision).toBe(0);
    expect((await taskAt({ id, at: tasks.now - 1 })).revision).toBe(0);
    expect((await taskAt({ id, at: tasks.now })).revision).toBe(1);
    await expect(taskAt({ id, at: createdAt - 1 })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
      details: { id, createdAt },
    });
    await expect(diff({ id, fromAt: 0 })).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });

  it('says which revisions there are, and asks for one point, not for two or none', async () => {
    const id = await tasks.create();
    await expect(taskAt({ id, revision: 1 })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('has revisions 0 to 0, not 1'),
      details: { field: 'revision', last: 0 },
    });
    await expect(diff({ id, fromRevision: 0, toRevision: 9 })).rejects.toMatchObject({
      details: { field: 'toRevision', last: 0 },
    });
    const oneOfTwo = { code: 'VALIDATION_FAILED', message: expect.stringContaining('Say either') };
    await expect(taskAt({ id })).rejects.toMatchObject(oneOfTwo);
    await expect(taskAt({ id, revision: 0, at: tasks.now })).rejects.toMatchObject(oneOfTwo);
    await expect(diff({ id })).rejects.toMatchObject(oneOfTwo);
    await expect(diff({ id, fromRevision: 0, toRevision: 0, toAt: 1 })).rejects.toMatchObject(
      oneOfTwo,
    );
  });

  it('knows nothing of unknown tasks and those of other apps', async () => {
    const id = await tasks.create({ appName: 'app' });
    const notFound = { code: 'TASK_NOT_FOUND', message: expect.stringContaining('There is no') };
    await expect(taskAt({ id: v7(), revision: 0 })).rejects.toMatchObject(notFound);
    // Not even when it was created.
    for (const point of [{ revision: 0 }, { revision: 9 }, { at: 0 }]) {
      await expect(taskAt({ id, ...point }, ['other'])).rejects.toMatchObject(notFound);
    }
    await expect(diff({ id, fromRevision: 0 }, ['other'])).rejects.toMatchObject(notFound);
    expect((await taskAt({ id, revision: 0 }, ['app'])).id).toBe(id);
  });
});

describe('diff_task', () => {
  it('tells each field that differs, in the order of a task, there and back', async () => {
    const id = await tasks.create();
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    const [createdAt, startedAt] = [tasks.now - 1, tasks.now];
    const { changes } = await diff({ id, fromRevision: 0 });
    expect(changes).toEqual([
      { path: '/status', before: 'pending', after: 'running' },
      { path: '/attempt', before: 0, after: 1 },
      { path: '/updatedAt', before: createdAt, after: startedAt },
      { path: '/startedAt', after: startedAt },
      { path: '/revision', before: 0, after: 1 },
    ]);
    const back = await diff({ id, fromRevision: 1, toRevision: 0 });
    expect(back.changes).toContainEqual({ path: '/startedAt', before: startedAt });
    expect((await diff({ id, fromAt: createdAt, toRevision: 0 })).changes).toEqual([]);
  });

  it('goes into objects and lists, by JSON Pointer', async () => {
    const answer = await changed(
      { kept: 1, 'a/b': { '~': [1, 2, { deep: true }] }, gone: null, kind: {} },
      { kept: 1, 'a/b': { '~': [1, 3, { deep: false }, 4] }, constructor: 'new', kind: [] },
    );
    expect(ofData(answer)).toEqual([
      { path: '/data/a~1b/~0/1', before: 2, after: 3 },
      { path: '/data/a~1b/~0/2/deep', before: true, after: false },
      { path: '/data/a~1b/~0/3', after: 4 },
      { path: '/data/gone', before: null },
      { path: '/data/kind', before: {}, after: [] },
      { path: '/data/constructor', after: 'new' },
    ]);
  });

  it('tells a field as a whole where that is shorter, so that every answer fits', async () => {
    const before = Array.from({ length: 30_000 }, (_, n) => n % 7);
    const after = before.map((n) => n + 1);
    const answer = await changed(before, after);
    expect(ofData(answer)).toEqual([{ path: '/data', before, after }]);
    expect(JSON.stringify(answer).length).toBeLessThan(LIMITS.answerBytes);
  });
});
