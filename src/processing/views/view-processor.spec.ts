import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  offsetOf,
  type Position,
  type StatsAnswer,
  type TaskInfo,
  type TaskPage,
} from '@taskmanager/protocol';
import { SystemClock } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { ProgressUpdated, TaskCancelled, TaskDeleted, TaskStarted } from '../../events/index.js';
import { ClaimWaiters } from '../../projections/tasks/claim-waiters.js';
import { ListTasks } from '../../projections/tasks/list-tasks.query.js';
import { TaskProjection } from '../../projections/tasks/task.projection.js';
import { TaskStats } from '../../projections/tasks/task-stats.query.js';
import { TaskLog } from '../../projections/task-log.fixture.js';
import { DELIVERIES, message, temporaryFolder, Views } from '../../projections/views.fixture.js';
import { toTaskInfo } from '../../task/index.js';
import { EventFailed } from './event-failed.js';
import { CheckpointMoved } from '../processor.js';
import { Pace } from '../../jobs/index.js';
import type { BuildOrder } from './view-build.js';
import { ViewGenerations } from './view-generations.js';
import { Projection, type ProjectionOptions } from './view.js';
import { type ViewListener, ViewProcessor } from './view-processor.js';

const TASKS = 1_500;
const NOBODY: ViewListener = {
  promoted: () => undefined,
  parked: () => undefined,
  reopen: () => undefined,
};

const DESCRIBED = 'a view that is written in many transactions, every event delivered %s';

describe.each(DELIVERIES)(DESCRIBED, (_, delivered) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tasks: TaskLog;
  let views: Views;

  beforeEach(async () => {
    folder = temporaryFolder();
    tasks = new TaskLog(new MemoryEventLog());
    for (let n = 0; n < TASKS; n++) {
      const id = await tasks.create({ name: `task ${n}`, data: n, labels: { n: `${n % 7}` } });
      await tasks.append(id, new TaskStarted({ attempt: 1 }), new ProgressUpdated({ progress: 1 }));
      if (n % 3 === 0) await tasks.append(id, new TaskCancelled({}), new TaskDeleted({}));
    }
    views = await Views.over(delivered(tasks.log), folder.path('views.db'));
    await views.reach((await tasks.log.head())!);
  });
  afterEach(async () => {
    await views.close();
    folder.remove();
  });

  async function expectEqualToFold(): Promise<void> {
    const shown: TaskInfo[] = [];
    let cursor: string | undefined;
    do {
      const fields = { order: 'asc' as const, limit: 500, ...(cursor !== undefined && { cursor }) };
      const page: TaskPage = await views.ask(message(ListTasks, fields));
      shown.push(...page.tasks);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(shown).toEqual(JSON.parse(JSON.stringify(tasks.visible.map(toTaskInfo))));
    const { total } = await views.ask<StatsAnswer>(message(TaskStats));
    expect(total).toBe(tasks.visible.length);
  }

  /** Every so many writes one is undone and fails, as a full disk or a busy file would make it. */
  function failEvery(count: number): () => number {
    const { database } = views;
    const write = database.write.bind(database);
    let writes = 0;
    let failed = 0;
    database.write = <T>(run: () => T): T =>
      write(() => {
        const answer = run();
        if (++writes % count === 0 && ++failed > 0) throw new Error('no space left');
        return answer;
      });
    return () => failed;
  }

  it('equals the fold', () => expectEqualToFold());

  it('equals the fold after writes that failed in the middle of a rebuild', async () => {
    const failures = failEvery(4);
    await views.rebuild();
    expect(failures()).toBeGreaterThan(0);
    await expectEqualToFold();
  });

  it('goes on from rows that are ahead of the checkpoint, after a kill in the middle', async () => {
    await views.close();
    // As a kill leaves it: all rows written, the checkpoint not moved.
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    const position = tasks.stored[Math.floor(tasks.stored.length / 2)]!.position;
    database.connection
      .prepare('UPDATE view_generation SET ahead = position, position = ?')
      .run(position);
    database.close();
    views = await Views.over(delivered(tasks.log), folder.path('views.db'));
    await views.reach((await tasks.log.head())!);
    await expectEqualToFold();
  });
});

describe('an older version of a view', () => {
  const { version } = Reflect.getMetadata(Projection.KEY, TaskProjection) as ProjectionOptions;

  it.each([
    ['answers while the new one is built', 0, true],
    ['does not when it knows more than the log, which was put back', 1, false],
  ])('%s', async (_, beyond, serves) => {
    const folder = temporaryFolder();
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    const tasks = new TaskLog(new MemoryEventLog());
    await tasks.create();
    const { logId } = tasks.log;
    const generations = new ViewGenerations(database);
    const position = (offset: bigint) => `${logId}:${String(offset).padStart(20, '0')}` as Position;
    const end = offsetOf((await tasks.log.head())!) + BigInt(beyond);
    const old = generations.begin('tasks', version, logId);
    generations.setState(generations.move(old, position(end), null)!, 'serving');
    const view = new TaskProjection(database, new ClaimWaiters(new SystemClock()));
    const place = { database, generations, log: tasks.log };
    const options = { name: 'tasks', version: version + 1 };
    await new ViewProcessor(view, options, place, new SystemClock(), NOBODY).open();
    expect(view.current !== undefined).toBe(serves);
    database.close();
    folder.remove();
  });
});

describe('processes on one file', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let database: ViewsDatabase;
  let tasks: TaskLog;
  let generations: ViewGenerations;
  let view: TaskProjection;

  beforeEach(async () => {
    folder = temporaryFolder();
    database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    generations = new ViewGenerations(database);
    tasks = new TaskLog(new MemoryEventLog());
  });
  afterEach(() => {
    database.close();
    folder.remove();
  });

  const processor = (listener = NOBODY, order?: BuildOrder) => {
    view = new TaskProjection(database, new ClaimWaiters(new SystemClock()));
    const place = { database, generations, log: tasks.log };
    const options = { name: 'tasks', version: 1 };
    return new ViewProcessor(view, options, place, new SystemClock(), listener, order);
  };
  const ordered = (generation: number, mayServe: () => boolean): BuildOrder => ({
    generation,
    mayServe,
    keepOld: false,
    pace: new Pace(),
    folded: () => undefined,
  });
  const rowIds = () => database.connection.prepare('SELECT id FROM task_row_1').pluck().all();
  const batch = async (after?: Position) => {
    const { events, position } = await tasks.log.readAll({ ...(after && { after }) });
    return { events, position: position!, caughtUp: true };
  };

  it('never both write: the second finds the checkpoint moved, and goes on from there', async () => {
    const [one, other] = [processor(), processor()];
    await one.open();
    await other.open();
    const id = await tasks.create();
    for (let n = 0; n < 3; n++) {
      const position = await tasks.append(id, new ProgressUpdated({ progress: n }));
      expect(await one.handle(await batch())).toBe(position);
      await expect(other.handle(await batch())).rejects.toThrow(CheckpointMoved);
      expect(await other.open()).toBe(position);
    }
  });

  it('do not disturb each other at rest, and both hear that a build serves', async () => {
    const promoted: string[] = [];
    const told = (name: string) => ({ ...NOBODY, promoted: () => promoted.push(name) });
    const [one, other] = [processor(told('one')), processor(told('other'))];
    await tasks.create();
    await one.open();
    await other.open();
    await one.handle(await batch());
    expect(promoted).toEqual(['one']);
    await expect(other.handle(await batch())).rejects.toThrow(CheckpointMoved);
    const at = await other.open();
    expect(promoted).toEqual(['one', 'other']);
    await one.open();
    await other.handle(await batch(at));
    await tasks.create();
    expect(await one.handle(await batch(at))).toBe(await tasks.log.head());
    expect(promoted).toEqual(['one', 'other']);
  });

  it('never both park, nor pass over events of a task that the other one has brought up to date', async () => {
    const [one, other] = [processor(), processor()];
    const id = await tasks.create();
    await tasks.append(id, new ProgressUpdated({ progress: 1 }));
    const { events } = await batch();
    const type = { to: (name: string) => Object.assign(events[1]!, { type: name }) };
    type.to('OfANewerRelease');
    for (let attempt = 1; attempt < 5; attempt++) {
      for (const each of [one, other]) {
        await each.open();
        await expect(each.handle(await batch())).rejects.toThrow(EventFailed);
      }
    }
    const [at] = [await one.open(), await other.open()];
    expect(await one.handle(await batch(at))).toBe(events[1]!.position);
    await expect(other.handle(await batch(at))).rejects.toThrow(CheckpointMoved);

    type.to('ProgressUpdated');
    expect(generations.parked.wantRetry({ view: 'tasks', generation: 1 }, id)).toBe(1);
    const parkedAt = await other.open();
    expect(generations.parked.count({ view: 'tasks', generation: 1 })).toBe(0);
    const last = await tasks.append(id, new ProgressUpdated({ progress: 2 }));
    await expect(one.handle(await batch(parkedAt))).rejects.toThrow(CheckpointMoved);
    expect(await one.handle(await batch(await one.open()))).toBe(last);
    await other.open();
    expect(view.current?.reader.get(id)).toMatchObject({ progress: 2 });
  });

  it('leaves nothing unwritten behind a checkpoint that has passed a parked event, after a kill', async () => {
    const whole = await tasks.create();
    const poisoned = await tasks.create();
    const { events, position } = await batch();
    Object.assign(events[1]!, { type: 'OfANewerRelease' });
    const one = processor();
    const feed = async () => {
      await one.open();
      await one.handle({ events: [events[0]!], position: events[0]!.position, caughtUp: false });
      await one.handle({ events: [events[1]!], position, caughtUp: false });
    };
    for (let attempt = 1; attempt < 5; attempt++) await expect(feed()).rejects.toThrow(EventFailed);
    await feed();
    expect(generations.of('tasks')).toMatchObject([{ position }]);
    await processor().open();
    expect(rowIds()).toEqual([whole]);
    expect(generations.parked.of({ view: 'tasks', generation: 1 })).toMatchObject([
      { task_id: poisoned },
    ]);
  });

  it('writes a build that a job has ordered every two seconds, so that a kill costs no more', async () => {
    await tasks.create();
    const last = await tasks.append(await tasks.create(), new ProgressUpdated({ progress: 1 }));
    const { generation } = generations.begin('tasks', 1, tasks.log.logId, 'job');
    const build = processor(
      NOBODY,
      ordered(generation, () => false),
    );
    await build.open();
    const [first, ...rest] = (await batch()).events;
    const { position } = first!;
    expect(await build.handle({ events: [first!], position, caughtUp: false })).toBeUndefined();
    const now = performance.now() + 2_100;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now);
    expect(await build.handle({ events: rest, position: last, caughtUp: false })).toBe(last);
    clock.mockRestore();
    expect(
      await processor(
        NOBODY,
        ordered(generation, () => true),
      ).open(),
    ).toBe(last);
  });

  it('lets a build that a job has ordered serve only when it may', async () => {
    await tasks.create();
    const { generation } = generations.begin('tasks', 1, tasks.log.logId, 'job');
    let may = false;
    const build = processor(
      NOBODY,
      ordered(generation, () => may),
    );
    await build.open();
    await build.handle(await batch());
    expect(generations.of('tasks')).toMatchObject([{ state: 'building' }]);
    may = true;
    await build.open();
    await build.handle(await batch());
    expect(generations.of('tasks')).toMatchObject([{ state: 'serving' }]);
  });
});
