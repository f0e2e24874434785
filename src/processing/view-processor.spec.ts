import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  offsetOf,
  type Position,
  type StatsAnswer,
  type TaskInfo,
  type TaskPage,
} from '@taskmanager/protocol';
import { SystemClock } from '../context/index.js';
import { ViewsDatabase } from '../database/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import {
  decodeTaskEvent,
  ProgressUpdated,
  TaskCancelled,
  TaskDeleted,
  TaskStarted,
} from '../events/index.js';
import { ClaimWaiters } from '../projections/tasks/claim-waiters.js';
import { ListTasks } from '../projections/tasks/list-tasks.query.js';
import { TaskProjection } from '../projections/tasks/task.projection.js';
import { TaskStats } from '../projections/tasks/task-stats.query.js';
import { TaskLog } from '../projections/task-log.fixture.js';
import { message, temporaryFolder, Views } from '../projections/views.fixture.js';
import { toTaskInfo } from '../task/index.js';
import { CheckpointMoved } from './processor.js';
import { ViewGenerations } from './view-generations.js';
import { ViewProcessor } from './view-processor.js';

const TASKS = 1_500;

describe('a view that is written in many transactions', () => {
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
    views = await Views.over(tasks.log, folder.path('views.db'));
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
    await views.runner.rebuild('tasks');
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
    views = await Views.over(tasks.log, folder.path('views.db'));
    await views.reach((await tasks.log.head())!);
    await expectEqualToFold();
  });

  it('says so and does not go on when rows are missing that have to be there', async () => {
    await views.close();
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    database.connection.exec('DELETE FROM task_row_1');
    database.close();
    views = await Views.over(tasks.log, folder.path('views.db'));
    const id = tasks.visible[0]!.id;
    await tasks.append(id, new ProgressUpdated({ progress: 2 }));
    await tasks.append(id, new ProgressUpdated({ progress: 3 }));
    for (;;) {
      const [status] = await views.runner.status();
      if (status?.state === 'retrying') {
        expect(status.lastError?.message).toMatch(/cannot take ProgressUpdated.*Rebuild it/s);
        break;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

describe('an older version of a view', () => {
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
    const old = generations.begin('tasks', 1_001, logId);
    generations.setState(generations.move(old, position(end), null)!, 'serving');
    const view = new TaskProjection(database, new ClaimWaiters(new SystemClock()));
    const place = { database, generations, log: tasks.log };
    const options = { name: 'tasks', version: 1_002 };
    await new ViewProcessor(view, options, place, () => undefined).open();
    expect(view.current !== undefined).toBe(serves);
    database.close();
    folder.remove();
  });
});

describe('two processes on one file', () => {
  it('never both write: the second finds the checkpoint moved, and goes on from there', async () => {
    const folder = temporaryFolder();
    const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
    const tasks = new TaskLog(new MemoryEventLog());
    const place = {
      database,
      generations: new ViewGenerations(database),
      log: tasks.log,
    };
    const process = () => {
      const view = new TaskProjection(database, new ClaimWaiters(new SystemClock()));
      return new ViewProcessor(view, { name: 'tasks', version: 1 }, place, () => undefined);
    };
    const [one, other] = [process(), process()];
    await one.open();
    await other.open();
    const id = await tasks.create();
    for (let n = 0; n < 3; n++) {
      await tasks.append(id, new ProgressUpdated({ progress: n }));
      const { events, position } = await tasks.log.readAll();
      const batch = { events: events.map(decodeTaskEvent), position, caughtUp: true };
      expect(await one.handle(batch)).toBe(position);
      await expect(other.handle(batch)).rejects.toThrow(CheckpointMoved);
      expect(await other.open()).toBe(position);
    }
    database.close();
    folder.remove();
  });
});
