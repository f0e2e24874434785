import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StatsAnswer, TaskInfo, TaskPage } from '@taskmanager/protocol';
import { v7 } from 'uuid';
import { MemoryEventLog, MemoryLogStorage } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskApprovalGiven,
  TaskApprovalRequested,
  TaskCancelled,
  TaskCompleted,
  TaskDataUpdated,
  TaskDeleted,
  TaskErrorRecorded,
  TaskFailed,
  TaskPaused,
  TaskStarted,
} from '../../events/index.js';
import { toTaskInfo } from '../../task/index.js';
import { until } from '../../../test/until.js';
import { TaskLog } from '../task-log.fixture.js';
import { DELIVERIES, message, temporaryFolder, Views } from '../views.fixture.js';
import { GetTask } from './get-task.query.js';
import { ListTasks } from './list-tasks.query.js';
import { TaskStats } from './task-stats.query.js';

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe.each(DELIVERIES)('the task view, every event delivered %s', (_, delivered) => {
  const storage = { current: new MemoryLogStorage() };
  let folder: ReturnType<typeof temporaryFolder>;
  let views: Views;
  let tasks: TaskLog;

  beforeEach(async () => {
    folder = temporaryFolder();
    storage.current = new MemoryLogStorage();
    tasks = new TaskLog(new MemoryEventLog(storage.current));
    views = await open();
  });
  afterEach(async () => {
    await views.close();
    folder.remove();
  });

  const open = () =>
    Views.over(delivered(new MemoryEventLog(storage.current)), folder.path('views.db'));
  const get = (id: string) => views.ask<TaskInfo>(message(GetTask, { id }));
  const list = (filter: Partial<ListTasks> = {}) => views.ask<TaskPage>(message(ListTasks, filter));

  async function expectEqualToFold(): Promise<void> {
    const { tasks: shown } = await list({ limit: 500 });
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect([...shown].sort(byId)).toEqual(json(tasks.visible.map(toTaskInfo).sort(byId)));
    const counts: Record<string, number> = {};
    for (const { status } of tasks.visible) counts[status] = (counts[status] ?? 0) + 1;
    const { total, byStatus } = await views.ask<StatsAnswer>(message(TaskStats));
    expect({ total, byStatus }).toEqual({ total: tasks.visible.length, byStatus: counts });
  }

  it('shows a task with its payloads as it was folded', async () => {
    const id = await tasks.create({ data: { chunks: [1, 2] }, input: null, labels: { a: 'b' } });
    await tasks.append(id, new TaskStarted({ attempt: 1 }), new TaskDataUpdated({ data: 'new' }));
    await views.reach(await tasks.append(id, new TaskCompleted({ result: { ok: true } })));
    const task = await get(id);
    expect(task).toEqual(json(toTaskInfo(tasks.tasks.get(id)!)));
    expect(task).toMatchObject({ data: 'new', input: null, result: { ok: true }, progress: 100 });
  });

  it('keeps payloads through events that do not touch them, also after a restart', async () => {
    const id = await tasks.create({ data: { keep: 'me' }, input: [1] });
    await views.reach(await tasks.append(id, new TaskStarted({ attempt: 1 })));
    await views.close();
    views = await open();
    await views.reach(await tasks.append(id, new ProgressUpdated({ progress: 40 })));
    expect(await get(id)).toMatchObject({ data: { keep: 'me' }, input: [1], progress: 40 });
  });

  it('forgets a deleted task, and takes what its runner still says', async () => {
    const id = await tasks.create({ labels: { team: 'x' } });
    await tasks.append(id, new TaskCancelled({}), new TaskDeleted({}));
    const other = await tasks.create();
    await views.reach(await tasks.append(other, new TaskStarted({ attempt: 1 })));
    await expect(get(id)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    await expectEqualToFold();
    expect((await list({ labels: { team: 'x' } })).tasks).toEqual([]);
    expect((await list({ text: 'publish' })).tasks).toHaveLength(1);
  });

  it('forgets what tasks had in common when none of them is left', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 50; n++) ids.push(await tasks.create({ taskType: `t${n}` }));
    await views.reach((await tasks.log.head())!);
    for (const id of ids) await tasks.append(id, new TaskCancelled({}), new TaskDeleted({}));
    const again = await tasks.create({ taskType: 't7' });
    await views.reach((await tasks.log.head())!);
    await expectEqualToFold();
    await views.reach(await tasks.append(again, new TaskStarted({ attempt: 1 })));
    await expectEqualToFold();
    const groups = views.database.connection.prepare('SELECT status FROM task_group_1').pluck();
    expect(groups.all()).toEqual(['running']);
  });

  it('hides tasks of other apps', async () => {
    const id = await tasks.create({ appName: 'mine' });
    await views.reach(await tasks.append(id, new TaskStarted({ attempt: 1 })));
    const query = () => message(GetTask, { id });
    await expect(views.ask(query(), { apps: ['other'] })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    });
    expect(await views.ask(query(), { apps: ['mine'] })).toMatchObject({ id });
    const page = await views.ask<TaskPage>(message(ListTasks), { apps: ['other'] });
    expect(page.tasks).toEqual([]);
  });

  it('waits for the position that a query asks for, and says when it is not reached', async () => {
    const id = v7();
    await tasks.create({}, id);
    const after = await tasks.append(
      id,
      new TaskPaused({ statusBefore: 'pending', remaining: {} }),
    );
    const task = await views.ask<TaskInfo>(message(GetTask, { id }), { after });
    expect(task.status).toBe('paused');
    const foreign = `00000000${after.slice(8)}` as typeof after;
    await expect(views.ask(message(GetTask, { id }), { after: foreign })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  it('finds by text without regard to case, in names and in errors', async () => {
    const id = await tasks.create({ name: 'Grüße an ALLE "Welt"' });
    const failed = await tasks.create({ name: 'other' });
    const error = 'Disk QUOTA exceeded';
    const position = await tasks.append(
      failed,
      new TaskFailed({ error, retryable: false, willRetry: false }),
    );
    await views.reach(position);
    const found = async (text: string) => (await list({ text })).tasks.map((task) => task.id);
    expect(await found('grüße AN')).toEqual([id]);
    expect(await found('"wel')).toEqual([id]);
    expect(await found('quota')).toEqual([failed]);
    expect(await found('otherDisk')).toEqual([]);
    await views.reach(await tasks.append(failed, new TaskErrorRecorded({ error: 'network' })));
    expect(await found('quota')).toEqual([]);
    expect(await found('NETW')).toEqual([failed]);
  });

  it('lists what waits for an approver until that one has voted', async () => {
    const ask = (approvers: string[], allowSelf = true) =>
      new TaskApprovalRequested({ approvers, quorum: 2, allowSelf, onApproved: 'resume' });
    const [named, anyone, own] = [await tasks.create(), await tasks.create(), await tasks.create()];
    await tasks.append(named, new TaskStarted({ attempt: 1 }), ask(['ann', 'role:lead']));
    await tasks.append(anyone, new TaskStarted({ attempt: 1 }), ask([]));
    await tasks.append(own, new TaskStarted({ attempt: 1 }));
    await views.reach(await tasks.appendBy('ann', own, ask([], false)));
    const waiting = async (awaitingApprovalBy: string) =>
      (await list({ awaitingApprovalBy, order: 'asc' })).tasks.map((task) => task.id);
    expect(await waiting('ann')).toEqual([named, anyone]);
    expect(await waiting('role:lead')).toEqual([named, anyone, own]);
    expect(await waiting('bob')).toEqual([anyone, own]);
    await tasks.append(named, new TaskApprovalGiven({ by: 'ann' }));
    await views.reach(await tasks.append(anyone, new TaskApprovalGiven({ by: 'bob' })));
    expect(await waiting('ann')).toEqual([anyone]);
    expect(await waiting('bob')).toEqual([own]);
    await views.reach(await tasks.append(own, new TaskCancelled({})));
    expect(await waiting('bob')).toEqual([]);
  });

  it('is rebuilt beside the serving one, equal to it, while events go on', async () => {
    for (let n = 0; n < 50; n++) {
      const id = await tasks.create({ name: `task ${n}`, data: { n }, labels: { n: `${n % 3}` } });
      await tasks.append(id, new TaskStarted({ attempt: 1 }), new ProgressUpdated({ progress: n }));
      if (n % 5 === 0) await tasks.append(id, new TaskDeleted({}));
    }
    const rebuilding = views.rebuild();
    const id = await tasks.create({ name: 'meanwhile' });
    await rebuilding;
    await views.reach(await tasks.append(id, new TaskStarted({ attempt: 1 })));
    await expectEqualToFold();
    const rows = views.database.connection
      .prepare('SELECT generation FROM view_generation WHERE view = ? AND state = ?')
      .pluck()
      .all('tasks', 'serving');
    expect(rows).toEqual([2]);
  });

  it('takes away what a rebuild replaced', async () => {
    await views.reach(await tasks.append(await tasks.create(), new TaskStarted({ attempt: 1 })));
    await views.rebuild();
    await views.close();
    views = await open();
    const tables = () =>
      views.database.connection
        .prepare("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'task_row_1%'")
        .pluck()
        .get();
    await until(() => tables() === 0);
  });

  it('goes on with a file it finds, and makes a lost or broken one anew', async () => {
    const id = await tasks.create({ data: 'x' });
    await views.reach(await tasks.append(id, new TaskStarted({ attempt: 1 })));
    for (const harm of ['none', 'lost', 'garbage', 'cut'] as const) {
      await views.close();
      await damage(folder.path('views.db'), harm);
      views = await open();
      await views.reach(await tasks.append(id, new ProgressUpdated({ progress: 1 })));
      await expectEqualToFold();
    }
  });

  it('starts over when the log is another one', async () => {
    await views.reach(await tasks.append(await tasks.create(), new TaskStarted({ attempt: 1 })));
    await views.close();
    storage.current = new MemoryLogStorage();
    tasks = new TaskLog(new MemoryEventLog(storage.current));
    views = await open();
    await views.reach(await tasks.append(await tasks.create(), new TaskStarted({ attempt: 1 })));
    await expectEqualToFold();
  });

  it('starts over when an older log was put back, though that has grown past it since', async () => {
    const before = await tasks.create({ name: 'kept' });
    await views.reach(await tasks.append(before, new TaskStarted({ attempt: 1 })));
    await tasks.create({ name: 'lost' });
    await views.reach((await tasks.log.head())!);
    await views.close();

    const { logId } = storage.current;
    storage.current = Object.assign(new MemoryLogStorage(), { logId });
    tasks = new TaskLog(new MemoryEventLog(storage.current));
    await tasks.create({ name: 'kept' }, before);
    for (let n = 0; n < 5; n++) await tasks.create({ name: 'other' });
    views = await open();
    await views.reach((await tasks.log.head())!);
    await expectEqualToFold();
  });

  it('is written by two processes on one file without losing or doubling anything', async () => {
    const second = await open();
    const ids: string[] = [];
    for (let n = 0; n < 100; n++) {
      ids.push(await tasks.create({ data: { n } }));
      await tasks.append(ids[n]!, new TaskErrorRecorded({ error: `note ${n}` }));
      await tasks.append(ids[n >> 1]!, new TaskStarted({ attempt: n }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const last = await tasks.append(
      ids[0]!,
      new TaskPaused({ statusBefore: 'running', remaining: {} }),
    );
    await Promise.all([views.reach(last), second.reach(last)]);
    await expectEqualToFold();
    await second.close();
  });
});

async function damage(file: string, harm: 'none' | 'lost' | 'garbage' | 'cut'): Promise<void> {
  const { rmSync, truncateSync, writeFileSync } = await import('node:fs');
  if (harm === 'none') return;
  for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
  if (harm === 'lost') rmSync(file);
  if (harm === 'garbage')
    writeFileSync(file, 'this is no database, but it is long enough to be read');
  if (harm === 'cut') truncateSync(file, 4_096);
}
