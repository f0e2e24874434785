import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  TaskCancelled,
  TaskCompleted,
  TaskFailed,
  TaskPaused,
  TaskReleased,
  TaskStarted,
} from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { DELIVERIES, temporaryFolder, Views } from '../views.fixture.js';

const LONG = 20_000;
const PUBLISH = { taskTypes: ['publish'] };

describe.each(DELIVERIES)('the task finder, every event delivered %s', (_, delivered) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tasks: TaskLog;
  let views: Views;

  beforeEach(async () => {
    folder = temporaryFolder();
    tasks = new TaskLog(new MemoryEventLog());
    views = await Views.over(delivered(tasks.log), folder.path('views.db'));
  });
  afterEach(async () => {
    await views.close();
    folder.remove();
  });

  const forWorkers = (data: Parameters<TaskLog['create']>[0] = {}) =>
    tasks.create({ runBy: 'worker', ...data });
  const seen = async () => views.reach((await tasks.log.head())!);
  const claimable = async (
    limit: number,
    fields: { apps?: string[]; now?: number; taskTypes?: string[] } = {},
  ) => views.finder.claimable({ taskTypes: ['publish'], now: tasks.now, limit, ...fields });
  const start = (id: string, claimId?: string) =>
    tasks.append(
      id,
      new TaskStarted({
        attempt: 1,
        ...(claimId && { workerId: 'w', leaseEpoch: 1, leaseExpiresAt: tasks.now * 2, claimId }),
      }),
    );

  it('finds claimable tasks by priority, then age, and says when there are more', async () => {
    const low = await forWorkers({ priority: -1 });
    const [first, second] = [await forWorkers(), await forWorkers()];
    const high = await forWorkers({ priority: 5, taskType: 'clone' });
    await tasks.create({ priority: 9 });
    await seen();
    const types = { taskTypes: ['publish', 'clone'] };
    expect(await claimable(10, types)).toEqual({
      taskIds: [high, first, second, low],
      more: false,
    });
    expect(await claimable(2, types)).toEqual({ taskIds: [high, first], more: true });
    expect(await claimable(10)).toEqual({ taskIds: [first, second, low], more: false });
    expect(await claimable(10, { apps: ['other'] })).toEqual({ taskIds: [], more: false });
  });

  it('holds a task back until its runAt, also once it was given back', async () => {
    const runAt = tasks.now + 10_000;
    const later = await forWorkers({ runAt, priority: 9 });
    const now = await forWorkers();
    await seen();
    expect((await claimable(10)).taskIds).toEqual([now]);
    expect((await claimable(10, { now: runAt })).taskIds).toEqual([later, now]);
    await start(later, 'c');
    await seen();
    expect((await claimable(10, { now: runAt })).taskIds).toEqual([now]);
    tasks.now = runAt + 1;
    await tasks.append(later, new TaskReleased({}));
    await seen();
    expect((await claimable(10)).taskIds).toEqual([later, now]);
    await tasks.append(later, new TaskCancelled({}));
    await seen();
    expect((await claimable(10)).taskIds).toEqual([now]);
  });

  it('forgets a task that was cancelled before its runAt', async () => {
    const runAt = tasks.now + 10_000;
    const id = await forWorkers({ runAt });
    await seen();
    await tasks.append(id, new TaskCancelled({}));
    await seen();
    expect((await claimable(10, { now: runAt })).taskIds).toEqual([]);
  });

  it('knows what a claim holds while it holds it', async () => {
    const [one, two] = [await forWorkers(), await forWorkers()];
    await start(one, 'claim');
    await start(two, 'claim');
    await seen();
    expect(await views.finder.heldBy('claim')).toEqual([one, two]);
    await tasks.append(one, new TaskReleased({}));
    await tasks.append(two, new TaskCompleted({}));
    await seen();
    expect(await views.finder.heldBy('claim')).toEqual([]);
  });

  it('finds running tasks, the one paused last, and what ended, oldest first', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) {
      ids.push(
        await tasks.create({ appName: n % 2 === 0 ? 'even' : 'odd', taskType: `t${n % 3}` }),
      );
      await start(ids[n]!);
    }
    await seen();
    const at = (...numbers: number[]) => numbers.map((n) => ids[n]!);
    const { finder } = views;
    expect((await finder.running({ limit: 9, appName: 'even' })).taskIds).toEqual(at(0, 2, 4));
    expect(await finder.running({ limit: 1, taskType: 't1' })).toEqual({
      taskIds: at(1),
      more: true,
    });
    for (const n of [3, 0, 5]) {
      await tasks.append(ids[n]!, new TaskPaused({ statusBefore: 'running', remaining: {} }));
    }
    await seen();
    expect((await finder.lastPaused({ limit: 1 })).taskIds).toEqual(at(5));
    expect((await finder.lastPaused({ limit: 1, appName: 'even' })).taskIds).toEqual(at(0));
    await tasks.append(ids[4]!, new TaskCompleted({}));
    const before = tasks.now;
    await tasks.append(ids[1]!, new TaskCancelled({}));
    const failed = { error: 'x', retryable: true };
    await tasks.append(ids[2]!, new TaskFailed({ ...failed, willRetry: true }));
    await tasks.append(ids[0]!, new TaskFailed({ ...failed, willRetry: false }));
    await seen();
    const statuses = ['completed', 'cancelled', 'failed'] as const;
    const ended = async (completedBefore: number, apps?: string[]) =>
      (await finder.ended({ limit: 9, statuses, completedBefore, ...(apps && { apps }) })).taskIds;
    expect(await ended(tasks.now)).toEqual(at(4, 1, 0));
    expect(await ended(before)).toEqual(at(4));
    expect(await ended(tasks.now, ['odd'])).toEqual(at(1));
    const endedOf = async (filter: { taskTypes?: string[]; appName?: string }) =>
      (await finder.ended({ limit: 9, statuses, completedBefore: tasks.now, ...filter })).taskIds;
    expect(await endedOf({ appName: 'odd' })).toEqual(at(1));
    expect(await endedOf({ taskTypes: ['t1', 't9'] })).toEqual(at(4, 1));
    expect(await endedOf({ appName: 'nobody' })).toEqual([]);
  });

  it('knows what was claimed, and what changed last, without being waited for', async () => {
    const ids = [await forWorkers(), await forWorkers({ appName: 'other' }), await forWorkers()];
    await start(ids[0]!, 'claim');
    expect(await views.finder.heldBy('claim')).toEqual([ids[0]]);
    await tasks.append(ids[1]!, new TaskCancelled({}));
    expect(await views.finder.changedLast({ limit: 2 })).toEqual({
      taskIds: [ids[1], ids[0]],
      more: true,
    });
    const { taskIds } = await views.finder.changedLast({ limit: 9, appName: 'app' });
    expect(taskIds).toEqual([ids[0], ids[2]]);
  });

  it('wakes a claim that waits as soon as there is work of its type', async () => {
    await forWorkers({ taskType: 'clone' });
    await seen();
    const waiting = views.finder.waitForClaimable(PUBLISH, LONG);
    await tasks.create();
    await forWorkers();
    expect(await waiting).toBe(true);
  });

  it('does not let a claim miss what became ready just before it began to wait', async () => {
    await forWorkers();
    await seen();
    expect(await views.finder.waitForClaimable(PUBLISH, LONG)).toBe(true);
  });

  it('wakes a claim when a runAt passes', async () => {
    await forWorkers({ runAt: Date.now() + 50 });
    await seen();
    expect(await views.finder.waitForClaimable(PUBLISH, LONG)).toBe(true);
  });

  it('ends a wait in time, and all waits with the service', async () => {
    expect(await views.finder.waitForClaimable(PUBLISH, 5)).toBe(false);
    const waiting = views.finder.waitForClaimable(PUBLISH, LONG);
    await views.close();
    expect(await waiting).toBe(false);
  });
});
