import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskInfo, TaskPage, TaskSort } from '@taskmanager/protocol';
import fc from 'fast-check';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCancelled,
  TaskCompleted,
  TaskDeleted,
  TaskFailed,
  TaskPaused,
  TaskStarted,
} from '../../events/index.js';
import { toTaskInfo, type Task } from '../../task/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { DELIVERIES, message, temporaryFolder, Views } from '../views.fixture.js';
import { ListTasks } from './list-tasks.query.js';
import { TaskList } from './task-list.js';
import { tableNames } from './task-tables.js';
import { LoadPersistentTasks } from './load-persistent-tasks.query.js';
import { LoadRetryableTasks } from './load-retryable-tasks.query.js';

const TYPES = ['publish', 'clone', 'index'];
const APPS = ['one', 'two'];
const PEOPLE = ['ann', 'bob', 'role:lead'];
const WORDS = ['alpha', 'Beta', 'GAMMA', 'délta', '𝒳eta', 'alphabet', 'ZETA'];
const START = 1_700_000_000_000;

const pick = <T>(values: readonly T[], n: number): T => values[n % values.length]!;

/** Spread by arithmetic rather than by chance, so that a failure can be repeated. */
async function fill(tasks: TaskLog, count: number, seen: () => Promise<void>): Promise<void> {
  // Clocks of replicas differ: creation times do not follow the order of the log.
  const clock = (n: number) => START + ((n * 7_919) % 500);
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    tasks.now = clock(n);
    const id = await tasks.create({
      name: `${pick(WORDS, n * 3)} ${pick(WORDS, n >> 2)}`,
      taskType: pick(TYPES, n),
      appName: pick(APPS, n >> 1),
      runBy: n % 3 === 0 ? 'worker' : 'app',
      persistent: n % 4 < 2,
      priority: (n * 13) % 4,
      labels: n % 5 === 0 ? {} : { team: `t${n % 3}`, env: n % 2 === 0 ? 'prod' : 'test' },
      maxRetries: n % 2,
    });
    ids.push(id);
  }
  // The view has them as they were created, so that all that follows has to change its rows.
  await seen();
  for (const [n, id] of ids.entries()) {
    tasks.now = clock(n) + 1;
    await live(tasks, id, n);
  }
  await seen();
}

async function live(tasks: TaskLog, id: string, n: number): Promise<void> {
  const lease =
    n % 3 === 0 ? { workerId: 'w', leaseEpoch: 1, leaseExpiresAt: START * 2, claimId: id } : {};
  const start = () => tasks.append(id, new TaskStarted({ attempt: 1, ...lease }));
  switch (n % 11) {
    case 0:
      return;
    case 1:
    case 2:
      await start();
      await tasks.append(id, new ProgressUpdated({ progress: n % 100 }));
      return;
    case 3:
      await tasks.append(id, new TaskPaused({ statusBefore: 'pending', remaining: {} }));
      return;
    case 4:
    case 5:
      await start();
      await tasks.append(
        id,
        new TaskApprovalRequested({
          approvers: n % 4 === 0 ? [] : [pick(PEOPLE, n)],
          quorum: 1,
          allowSelf: true,
          onApproved: 'resume',
        }),
      );
      return;
    case 6:
      await start();
      await tasks.append(id, new TaskCompleted({ result: n }));
      return;
    case 7:
    case 8: {
      const error = `${pick(WORDS, n)} broke`;
      await tasks.append(id, new TaskFailed({ error, retryable: true, willRetry: false }));
      return;
    }
    case 9:
      await tasks.append(id, new TaskCancelled({}));
      return;
    default:
      await tasks.append(id, new TaskCancelled({}), new TaskDeleted({}));
  }
}

function matches(task: Task, filter: Partial<ListTasks>): boolean {
  const has = (text: string | undefined) =>
    text !== undefined && text.toLowerCase().includes((filter.text ?? '').toLowerCase());
  const { approval } = task;
  const waits =
    task.status === 'waiting_for_approval' &&
    (approval?.approvers.length === 0 ||
      approval?.approvers.includes(filter.awaitingApprovalBy ?? ''));
  return (
    (filter.statuses?.includes(task.status) ?? true) &&
    (filter.taskTypes?.includes(task.taskType) ?? true) &&
    (filter.appName ?? task.appName) === task.appName &&
    (filter.runBy ?? task.runBy) === task.runBy &&
    (filter.persistent ?? task.persistent) === task.persistent &&
    Object.entries(filter.labels ?? {}).every(([key, value]) => task.labels[key] === value) &&
    (filter.text === undefined || has(task.name) || has(task.error)) &&
    task.createdAt >= (filter.createdFrom ?? 0) &&
    task.createdAt <= (filter.createdTo ?? Infinity) &&
    task.updatedAt >= (filter.updatedFrom ?? 0) &&
    task.updatedAt <= (filter.updatedTo ?? Infinity) &&
    (filter.awaitingApprovalBy === undefined || (waits ?? false))
  );
}

/** By Unicode code point, then by the order in which the tasks were created in the log. */
function naive(tasks: TaskLog, filter: Partial<ListTasks>): string[] {
  const sort: TaskSort = filter.sort ?? 'createdAt';
  const order = [...tasks.tasks.keys()];
  const value = (task: Task) => task[sort];
  const points = (text: string) => [...text].map((letter) => letter.codePointAt(0)!);
  const compareText = (a: string, b: string): number => {
    const [one, other] = [points(a), points(b)];
    for (let at = 0; at < Math.min(one.length, other.length); at++) {
      if (one[at] !== other[at]) return one[at]! - other[at]!;
    }
    return one.length - other.length;
  };
  const compare = (a: Task, b: Task): number => {
    const [one, other] = [value(a), value(b)];
    const by =
      typeof one === 'string' ? compareText(one, String(other)) : Number(one) - Number(other);
    return by || order.indexOf(a.id) - order.indexOf(b.id);
  };
  const isAscending = (filter.order ?? (sort === 'name' ? 'asc' : 'desc')) === 'asc';
  const found = tasks.visible.filter((task) => matches(task, filter)).sort(compare);
  return (isAscending ? found : found.reverse()).map(({ id }) => id);
}

const time = fc.integer({ min: START, max: START + 520 });
const NARROWING = [
  'statuses',
  'taskTypes',
  'appName',
  'runBy',
  'persistent',
  'labels',
  'text',
  'createdFrom',
  'createdTo',
  'updatedFrom',
  'updatedTo',
  'awaitingApprovalBy',
];
const FILTERS = fc.record({
  statuses: fc.uniqueArray(
    fc.constantFrom('pending', 'running', 'paused', 'failed', 'waiting_for_approval', 'completed'),
    { minLength: 1, maxLength: 4 },
  ),
  taskTypes: fc.uniqueArray(fc.constantFrom(...TYPES, 'unknown'), { minLength: 1 }),
  appName: fc.constantFrom(...APPS),
  runBy: fc.constantFrom('app', 'worker'),
  persistent: fc.boolean(),
  labels: fc.constantFrom({ team: 't1' }, { env: 'prod' }, { team: 't2', env: 'test' }),
  text: fc.constantFrom('alpha', 'ETA', 'délt', '𝒳et', 'broke', 'a b', 'nowhere', '𝒳e'),
  createdFrom: time,
  createdTo: time,
  updatedFrom: time,
  updatedTo: time,
  awaitingApprovalBy: fc.constantFrom(...PEOPLE, 'nobody'),
  sort: fc.constantFrom('createdAt', 'updatedAt', 'priority', 'name'),
  order: fc.constantFrom('asc', 'desc'),
});

/** Three filters at most: more of them hardly ever match anything, and so would prove nothing. */
const filters = fc
  .tuple(FILTERS, fc.subarray(NARROWING, { maxLength: 3 }), fc.boolean(), fc.boolean())
  .map(([all, chosen, sorted, ordered]): Partial<ListTasks> => {
    const keys = [...chosen, ...(sorted ? ['sort'] : []), ...(ordered ? ['order'] : [])];
    return Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key)));
  });

describe.each(DELIVERIES)('list_tasks, every event delivered %s', (_, delivered) => {
  const folder = temporaryFolder();
  const tasks = new TaskLog(new MemoryEventLog());
  let views: Views;

  beforeAll(async () => {
    views = await Views.over(delivered(tasks.log), folder.path('views.db'));
    await fill(tasks, 330, async () => views.reach((await tasks.log.head())!));
  });
  afterAll(async () => {
    await views.close();
    folder.remove();
  });

  const page = (filter: Partial<ListTasks>) => views.ask<TaskPage>(message(ListTasks, filter));

  async function allPages(filter: Partial<ListTasks>, limit: number): Promise<TaskInfo[]> {
    const found: TaskInfo[] = [];
    let cursor: string | undefined;
    do {
      const answer = await page({ ...filter, limit, ...(cursor !== undefined && { cursor }) });
      expect(answer.tasks.length).toBeLessThanOrEqual(limit);
      found.push(...answer.tasks);
      cursor = answer.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  it('answers what filtering and sorting by hand gives, whatever the filter, sort and page size', async () => {
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 60 }), async (filter, limit) => {
        const wanted = filter;
        const found = await allPages(wanted, limit);
        expect(found.map(({ id }) => id)).toEqual(naive(tasks, wanted));
      }),
      { numRuns: 250 },
    );
  });

  it('finds the same by every way there is', async () => {
    const { connection, kysely } = views.database;
    const ways = [
      { candidates: 1_000, singly: 1_000, members: 1_000 },
      { candidates: 20, singly: 10, members: 1_000 },
      { candidates: 0, singly: 1, members: 1_000 },
      { candidates: 0, singly: 1, members: 0 },
    ].map((effort) => new TaskList(connection, kysely, tableNames(1), effort));
    const idOf = connection.prepare('SELECT id FROM task_row_1 WHERE seq = ?').pluck();
    fc.assert(
      fc.property(filters, (filter) => {
        const wanted = filter;
        const { statuses, taskTypes, appName, runBy, persistent, sort = 'createdAt' } = wanted;
        const groups = { statuses, taskTypes, appName, runBy, persistent };
        const order = wanted.order ?? (sort === 'name' ? 'asc' : 'desc');
        const expected = naive(tasks, wanted);
        for (const way of ways) {
          const keys = [...way.keys({ ...wanted, groups, sort, order }, undefined, 10)];
          expect(keys.map(([, seq]) => idOf.get(seq))).toEqual(expected);
        }
      }),
      { numRuns: 250 },
    );
  });

  it('answers each single filter under each sort', async () => {
    const single: Partial<ListTasks>[] = [
      {},
      { statuses: ['running'] },
      { taskTypes: ['clone'] },
      { appName: 'two' },
      { runBy: 'worker' },
      { persistent: true },
      { labels: { env: 'prod' } },
      { text: 'alpha' },
      { awaitingApprovalBy: 'ann' },
      { createdFrom: START + 100, createdTo: START + 300 },
      { updatedFrom: START + 100, updatedTo: START + 300 },
    ];
    for (const filter of single) {
      for (const sort of ['createdAt', 'updatedAt', 'priority', 'name'] as const) {
        const found = await allPages({ ...filter, sort }, 37);
        expect({ filter, sort, ids: found.map(({ id }) => id) }).toEqual({
          filter,
          sort,
          ids: naive(tasks, { ...filter, sort }),
        });
      }
    }
  });

  it('loads persistent tasks that nobody runs, and failed ones with retries left', async () => {
    const ids = (found: Task[]) => found.map(({ id }) => id).sort();
    const ask = async (query: object) =>
      (await views.ask<TaskPage>(query)).tasks.map(({ id }) => id).sort();
    const persistent = tasks.visible.filter((task) => task.persistent);
    expect(await ask(message(LoadPersistentTasks, { limit: 500 }))).toEqual(
      ids(
        persistent.filter(
          ({ status, leased }) => status === 'pending' || (status === 'running' && !leased),
        ),
      ),
    );
    const { appName } = persistent.find(({ status }) => status === 'pending')!;
    const ofOneApp = message(LoadPersistentTasks, { limit: 500, appName });
    expect(await ask(ofOneApp)).toEqual(
      ids(
        persistent.filter(
          (task) =>
            task.appName === appName &&
            (task.status === 'pending' || (task.status === 'running' && !task.leased)),
        ),
      ),
    );
    expect(await ask(message(LoadRetryableTasks, { limit: 500 }))).toEqual(
      ids(
        persistent.filter(
          ({ status, retryCount, maxRetries }) => status === 'failed' && retryCount < maxRetries,
        ),
      ),
    );
  });

  it('shows tasks as the queries of one task do', async () => {
    const { tasks: shown } = await page({ limit: 5 });
    for (const task of shown) {
      expect(task).toEqual(JSON.parse(JSON.stringify(toTaskInfo(tasks.tasks.get(task.id)!))));
    }
  });

  it('refuses a cursor of another filter, of another sort, and one that is none', async () => {
    const { nextCursor } = await page({ limit: 1 });
    const refused = { code: 'VALIDATION_FAILED', details: { field: 'cursor' } };
    const forged = Buffer.from(JSON.stringify(['x', 1, 1])).toString('base64url');
    for (const filter of [
      { cursor: nextCursor!, appName: 'one' },
      { cursor: nextCursor!, sort: 'name' as const },
      { cursor: nextCursor!, order: 'asc' as const },
      { cursor: 'rubbish' },
      { cursor: forged },
    ]) {
      await expect(page(filter)).rejects.toMatchObject(refused);
    }
  });
});

describe('a page of large tasks', () => {
  it('stops before the answer outgrows its bytes, and goes on behind', async () => {
    const folder = temporaryFolder();
    const tasks = new TaskLog(new MemoryEventLog());
    for (let n = 0; n < 10; n++) await tasks.create({ data: 'x'.repeat(120_000) });
    const views = await Views.over(tasks.log, folder.path('views.db'));
    await views.reach((await tasks.log.head())!);
    const first = await views.ask<TaskPage>(message(ListTasks));
    expect(first.tasks).toHaveLength(6);
    expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThan(768 * 1024);
    const rest = await views.ask<TaskPage>(message(ListTasks, { cursor: first.nextCursor! }));
    expect(rest.tasks).toHaveLength(4);
    expect(rest.nextCursor).toBeUndefined();
    await views.close();
    folder.remove();
  });
});
