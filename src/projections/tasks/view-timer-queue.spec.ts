import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCancelled,
  TaskCompleted,
  TaskDeleted,
  TaskErrorRecorded,
  TaskFailed,
  TaskPaused,
  TaskRetried,
  TaskRetryScheduled,
  TaskStarted,
} from '../../events/index.js';
import type { TimerPlace } from '../../processing/index.js';
import { nextDueAt } from '../../task/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { DELIVERIES, temporaryFolder, Views } from '../views.fixture.js';
import { ViewTimerQueue } from './view-timer-queue.js';

const FAR = Number.MAX_SAFE_INTEGER;
const failed = new TaskFailed({ error: 'x', retryable: true, willRetry: true });

describe.each(DELIVERIES)('the timers of all tasks, events delivered %s', (_, delivered) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tasks: TaskLog;
  let views: Views;
  let queue: ViewTimerQueue;

  beforeEach(async () => {
    folder = temporaryFolder();
    tasks = new TaskLog(new MemoryEventLog());
    views = await Views.over(delivered(tasks.log), folder.path('views.db'));
    queue = views.part(ViewTimerQueue);
  });
  afterEach(async () => {
    await views.close();
    folder.remove();
  });

  const seen = async () => views.reach((await tasks.log.head())!);
  const claim = (leaseExpiresAt: number, leaseEpoch = 1) =>
    new TaskStarted({ attempt: leaseEpoch, workerId: 'w', leaseEpoch, leaseExpiresAt });

  /** All of the queue, page by page. */
  function all(now = FAR, limit = 3): (readonly [taskId: string, dueAt: number])[] {
    const found: (readonly [string, number])[] = [];
    for (let after: TimerPlace | undefined; ;) {
      const page = queue.due(now, limit, after);
      expect(queue.nearest(after)).toBe(page[0]?.dueAt);
      found.push(...page.map(({ taskId, dueAt }) => [taskId, dueAt] as const));
      after = page.at(-1);
      if (!after || page.length < limit) return found;
    }
  }

  function expectEqualToFold(): void {
    const expected = tasks.visible.flatMap((task) => {
      const dueAt = nextDueAt(task);
      return dueAt === undefined ? [] : [[task.id, dueAt] as const];
    });
    const byTime = (a: readonly [string, number], b: readonly [string, number]) => a[1] - b[1];
    expect(all()).toEqual(expected.sort(byTime));
    expect(queue.countDue(FAR, 1_000)).toBe(expected.length);
  }

  /** Tasks of every kind; several are due at the same time, which keeps the order of creation. */
  async function history(): Promise<void> {
    for (let n = 0; n < 12; n++) {
      const id = await tasks.create({ persistent: true, timeouts: { totalMs: 60_000 } });
      if (n % 2) await tasks.append(id, claim(tasks.now + 30_000));
      if (n % 3 === 0) await tasks.append(id, new TaskErrorRecorded({ error: 'note' }));
      if (n % 4 === 1)
        await tasks.append(
          id,
          new ProgressUpdated({ progress: n, leaseExpiresAt: tasks.now + 40_000 }),
        );
      if (n % 4 === 3) await tasks.append(id, failed);
      if (n === 7) await tasks.append(id, new TaskRetryScheduled({ attempt: 1, dueAt: 5 }));
      if (n === 11) await tasks.append(id, new TaskRetried({ retryCount: 1, maxRetries: 3 }));
      if (n === 4)
        await tasks.append(id, new TaskPaused({ statusBefore: 'pending', remaining: {} }));
      if (n === 6) await tasks.append(id, new TaskCancelled({}), new TaskDeleted({}));
      if (n === 9) await tasks.append(id, new TaskCompleted({}));
    }
    for (let n = 0; n < 8; n++) {
      await tasks.append(await tasks.create(), claim(1_700_000_030_000));
    }
  }

  it('are those of the fold, as tasks change', async () => {
    await history();
    await seen();
    expectEqualToFold();
    for (const { id, leased } of tasks.visible.filter((task) => task.leased)) {
      if (leased) await tasks.append(id, new TaskCompleted({}));
    }
    await seen();
    expectEqualToFold();
  });

  it('are those of the fold after a rebuild and a restart', async () => {
    await history();
    await seen();
    await views.rebuild();
    expectEqualToFold();
    await views.close();
    views = await Views.over(delivered(tasks.log), folder.path('views.db'));
    queue = views.part(ViewTimerQueue);
    await seen();
    expectEqualToFold();
  });

  it('tell what a saga needs, and only what is due of a task', async () => {
    const id = await tasks.create({ timeouts: { totalMs: 1_000 } });
    const created = tasks.now;
    await tasks.append(id, claim(created + 500));
    const asked = new TaskApprovalRequested({
      ...{ approvers: ['ann'], quorum: 1, allowSelf: true, onApproved: 'resume' },
      dueAt: created + 700,
      remindEveryMs: 100,
    });
    await tasks.append(id, asked);
    await seen();
    const requestedAt = tasks.now;
    const [due, ...more] = queue.due(created + 800, 10);
    expect(more).toEqual([]);
    expect(queue.due(requestedAt + 99, 10)).toEqual([]);
    const about = { taskId: id, revision: 2, attempt: 1, leaseEpoch: 1, requestedAt };
    expect(due).toMatchObject({ taskId: id, revision: 2, dueAt: requestedAt + 100 });
    expect(due?.timers).toEqual([
      { ...about, kind: 'approval_reminder', dueAt: requestedAt + 100 },
      { ...about, kind: 'approval_due', dueAt: created + 700 },
    ]);
  });

  it('tell when a commit wrote a due time, the nearest, and nothing of other commits', async () => {
    const told: number[] = [];
    const id = await tasks.create({ runBy: 'app' });
    await seen();
    const stop = queue.onChange((dueAt) => told.push(dueAt));
    await tasks.append(id, new TaskStarted({ attempt: 1 }), new ProgressUpdated({ progress: 1 }));
    await seen();
    expect(told).toEqual([]);
    await tasks.append(id, new TaskErrorRecorded({ error: 'x' }), claim(77));
    await seen();
    expect(told).toEqual([77]);
    await tasks.append(id, new ProgressUpdated({ progress: 2, leaseExpiresAt: 99 }));
    await seen();
    expect(told).toEqual([77, 99]);
    await tasks.append(id, new ProgressUpdated({ progress: 3 }));
    await seen();
    expect(told).toEqual([77, 99]);
    await views.rebuild();
    expect(told).toContain(-Infinity);
    stop();
    const before = told.length;
    await tasks.append(id, new ProgressUpdated({ progress: 4, leaseExpiresAt: 100 }));
    await seen();
    expect(told).toHaveLength(before);
  });

  it('are known to be all once the view has come to the end of the log', async () => {
    await history();
    expect(await queue.caughtUp(20_000)).toBe(true);
    expectEqualToFold();
    await views.runner.beforeApplicationShutdown();
    await tasks.create();
    expect(await queue.caughtUp(10)).toBe(false);
  });

  it('are found through an index that holds only tasks with a due time', async () => {
    await tasks.create();
    await seen();
    const { connection } = views.database;
    const plan = (where: string) =>
      connection
        .prepare(`EXPLAIN QUERY PLAN SELECT due_at, seq, state FROM task_row_1 WHERE ${where}`)
        .all()
        .map((row) => (row as { detail: string }).detail)
        .join();
    expect(plan('due_at = 1 AND seq > 1 ORDER BY seq LIMIT 1')).toMatch(/^SEARCH .*by_due_at/);
    expect(plan('due_at > 1 AND due_at <= 2 ORDER BY due_at, seq LIMIT 1')).toMatch(
      /^SEARCH [^,]*by_due_at[^,]*$/,
    );
    const text = connection
      .prepare("SELECT sql FROM sqlite_schema WHERE name = 'task_row_1_by_due_at'")
      .pluck()
      .get();
    expect(text).toMatch(/where "due_at" is not null/);
  });
});
