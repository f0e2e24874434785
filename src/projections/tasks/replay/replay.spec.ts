import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { offsetOf, type Position } from '@taskmanager/protocol';
import { withContext } from '../../../context/index.js';
import { MemoryEventLog } from '../../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCompleted,
  TaskDeleted,
  TaskFailed,
  taskStream,
  TaskStarted,
} from '../../../events/index.js';
import { JobInterrupted, Jobs, type JobWork } from '../../../jobs/index.js';
import { jobWork } from '../../../jobs/job.fixture.js';
import { TaskLog } from '../../task-log.fixture.js';
import { GetTask } from '../get-task.query.js';
import { message, temporaryFolder, Views } from '../../views.fixture.js';
import { Differences, type ReplayWork } from '../../../processing/index.js';
import { isHeapKeptSmall } from '../../../processing/views/frugal-heap.js';
import { tableNames } from '../task-tables.js';
import { checkIndexes } from './index-check.js';
import { until } from '../../../../test/until.js';

interface Column {
  readonly name: string;
}

const LATER = 4_000_000_000_000;

describe('the task view beside its log', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tasks: TaskLog;
  let views: Views;
  /** One task of each kind, by what it is. */
  let ids: Record<'plain' | 'asking' | 'ready' | 'later' | 'done' | 'failed' | 'gone', string>;

  beforeEach(async () => {
    folder = temporaryFolder();
    tasks = new TaskLog(new MemoryEventLog());
    ids = {
      plain: await tasks.create({ labels: { team: 'x' }, data: { a: [1, { b: 2 }] } }),
      asking: await tasks.create({ name: 'asking' }),
      ready: await tasks.create({ runBy: 'worker', priority: 3 }),
      later: await tasks.create({ runBy: 'worker', runAt: LATER }),
      done: await tasks.create({ name: 'done', input: 'in' }),
      failed: await tasks.create({ name: 'failed' }),
      gone: await tasks.create({ labels: { team: 'x' } }),
    };
    for (const id of [ids.asking, ids.done, ids.failed]) {
      await tasks.append(id, new TaskStarted({ attempt: 1 }), new ProgressUpdated({ progress: 1 }));
    }
    const asked = { approvers: ['ann'], quorum: 1, allowSelf: true, onApproved: 'resume' } as const;
    await tasks.append(ids.asking, new TaskApprovalRequested({ ...asked, result: { kept: 1 } }));
    await tasks.append(ids.done, new TaskCompleted({ result: { ok: true } }));
    const error = 'disk "C:" is full';
    await tasks.append(ids.failed, new TaskFailed({ error, retryable: false, willRetry: false }));
    await tasks.append(ids.gone, new TaskDeleted({}));
    views = await Views.over(tasks.log, folder.path('views.db'));
    await views.reach(await head());
  });
  afterEach(async () => {
    await views.close();
    folder.remove();
  });

  const head = async (): Promise<Position> => (await tasks.log.head())!;
  const sql = (text: string, ...values: unknown[]) =>
    views.database.connection.prepare(text).run(...values);
  const states = () =>
    views.database.connection
      .prepare(
        "SELECT generation, state FROM view_generation WHERE view = 'tasks' ORDER BY generation",
      )
      .raw()
      .all();
  const tables = (generation: number) =>
    views.database.connection
      .prepare(`SELECT count(*) FROM sqlite_schema WHERE name LIKE 'task_row_${generation}%'`)
      .pluck()
      .get();
  const verify = () => views.tasks.verify(jobWork());

  describe('compared', () => {
    it('agrees with it, row by row, and says how far', async () => {
      expect(await verify()).toEqual({
        projection: 'tasks',
        generation: 1,
        ok: true,
        rows: 6,
        position: await head(),
        differences: [],
        differenceCount: 0,
      });
    });

    it.each<[string, string, keyof typeof ids, object]>([
      [
        'a value deep in the data',
        `UPDATE task_payload_1 SET data = '{"a":[1,{"b":3}]}' WHERE data IS NOT NULL`,
        'plain',
        { path: '/data/a/1/b', view: 3, log: 2 },
      ],
      [
        'a field of the state',
        `UPDATE task_row_1 SET state = json_set(state, '$.progress', 7) WHERE name = 'done'`,
        'done',
        { path: '/progress', view: 7, log: 100 },
      ],
      [
        'a column that lists sort by',
        `UPDATE task_row_1 SET priority = 5 WHERE priority = 3`,
        'ready',
        { path: '/priority', view: 5, log: 3 },
      ],
      [
        'a time that a timer waits for',
        `UPDATE task_row_1 SET due_at = 5 WHERE name = 'done'`,
        'done',
        { path: '/due_at', view: 5 },
      ],
      [
        'the group of a task',
        `UPDATE task_row_1 SET group_id = (SELECT group_id FROM task_row_1 WHERE name = 'failed') WHERE name = 'done'`,
        'done',
        { path: '/group_status', view: 'failed', log: 'completed' },
      ],
      [
        'a missing row',
        `DELETE FROM task_row_1 WHERE name = 'done'`,
        'done',
        { text: 'The row is missing' },
      ],
      [
        'a row too many',
        `INSERT INTO task_row_1 SELECT 0, 'stranger', group_id, created_at, updated_at, priority, name, status, NULL, NULL, NULL, NULL, NULL, state FROM task_row_1 WHERE name = 'done'`,
        'done',
        { taskId: 'stranger', text: expect.stringMatching(/^A row too many/) },
      ],
      [
        'a row that stays behind',
        `UPDATE task_row_1 SET state = json_set(state, '$.revision', 1) WHERE name = 'done'`,
        'done',
        { path: '/revision', view: 1, log: 2 },
      ],
      [
        'a row that cannot be read',
        `UPDATE task_row_1 SET state = '{' WHERE name = 'done'`,
        'done',
        { text: expect.stringMatching(/cannot be read/) },
      ],
      [
        'a missing label',
        `DELETE FROM task_tag_1 WHERE tag LIKE 'label:%'`,
        'plain',
        { path: '/labels' },
      ],
      [
        'a missing approver',
        `DELETE FROM task_tag_1 WHERE tag LIKE 'approver:%'`,
        'asking',
        { path: '/approval' },
      ],
      [
        'a label too many',
        `INSERT INTO task_tag_1 SELECT 'label:["team","y"]', group_id, created_at, seq FROM task_row_1 WHERE name = 'done'`,
        'done',
        { text: expect.stringMatching(/^A label or approver too many/) },
      ],
      ['a missing place in the queue', `DELETE FROM task_queue_1`, 'ready', { path: '/status' }],
      [
        'a missing place among those to come',
        `DELETE FROM task_due_1`,
        'later',
        { path: '/status' },
      ],
      [
        'a place in the queue too many',
        `INSERT INTO task_queue_1 SELECT 'publish', 0, created_at, seq, 'app', id FROM task_row_1 WHERE name = 'done'`,
        'done',
        { text: expect.stringMatching(/^A place in the queue too many/) },
      ],
      [
        'a text that is not looked for',
        `DELETE FROM task_text_1 WHERE rowid = (SELECT seq FROM task_row_1 WHERE name = 'failed')`,
        'failed',
        { path: '/name' },
      ],
      [
        'the text of another task',
        `UPDATE task_text_1 SET text = 'something else' WHERE rowid = (SELECT seq FROM task_row_1 WHERE name = 'failed')`,
        'failed',
        { path: '/name' },
      ],
    ])('tells of %s', async (_, harm, whose, expected) => {
      sql(harm);
      const { ok, differences, differenceCount } = await verify();
      expect(ok).toBe(false);
      expect(differences).toHaveLength(differenceCount);
      expect(differences).toContainEqual(
        expect.objectContaining({ taskId: ids[whose], ...expected }),
      );
    });

    it('counts the tasks of a group in pieces, as of one moment, while the view goes on', async () => {
      const many = 5_000;
      const columns = (views.database.connection.pragma('table_info(task_row_1)') as Column[])
        .map(({ name }) => (name === 'seq' ? 'seq + n' : name === 'id' ? 'id || n' : name))
        .join(', ');
      const add = (from: number, count: number) => {
        sql(
          `WITH RECURSIVE n (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM n LIMIT ${count})
           INSERT INTO task_row_1 SELECT ${columns} FROM task_row_1, n
             WHERE seq = (SELECT min(seq) FROM task_row_1 WHERE name = 'done')`,
        );
        sql(
          `UPDATE task_group_1 SET count = count + ${count}
           WHERE id = (SELECT group_id FROM task_row_1 WHERE name = 'done')`,
        );
      };
      // Beyond the positions of the log.
      add(1_000, many);
      const differences = new Differences();
      let turns = 0;
      const turn = async () => {
        turns += 1;
        views.database.write(() => add(1_000_000 * turns, 1));
      };
      const work = { turn, report: () => undefined } as unknown as ReplayWork;
      await checkIndexes(views.database, tableNames(1), work, differences);
      expect(differences.listed).toEqual([]);
      // Of five thousand no more than some are read in one go.
      const groups = views.database.connection.prepare('SELECT count(*) FROM task_group_1');
      expect(turns).toBeGreaterThan(Number(groups.pluck().get()) + 5 + 1);
    });

    it('tells of a counter that is not the number of its tasks', async () => {
      sql("UPDATE task_group_1 SET count = 9 WHERE status = 'completed'");
      const { differences } = await verify();
      expect(differences).toEqual([
        {
          text: expect.stringMatching(/counter of tasks that are completed/),
          path: '/count',
          view: 9,
          log: 1,
        },
      ]);
    });

    it('tells of nothing while the view moves on', async () => {
      const many: string[] = [];
      for (let n = 0; n < 300; n++) many.push(await tasks.create({ labels: { n: `${n % 3}` } }));
      await views.reach(await head());
      let isOver = false;
      const writing = (async () => {
        for (let n = 0; !isOver; n = (n + 1) % many.length) {
          await tasks.append(many[n]!, new ProgressUpdated({ progress: n % 100 }));
          if (n % 7 === 0) await tasks.append(many[n]!, new TaskStarted({ attempt: n }));
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const report = await verify();
      isOver = true;
      await writing;
      expect(report.differences).toEqual([]);
      expect(report.rows).toBe(306);
    });

    it('takes rows for right that are ahead of the checkpoint, as a kill in a large write leaves them', async () => {
      const { position } = tasks.stored.find(({ taskId }) => taskId === ids.failed)!;
      sql(
        "UPDATE view_generation SET ahead = position, position = ? WHERE view = 'tasks'",
        position,
      );
      expect(await verify()).toMatchObject({ ok: true, rows: 6, position });
    });

    it('ends when its job is to end', async () => {
      const ended = new AbortController();
      ended.abort(new Error('enough'));
      await expect(views.tasks.verify(jobWork({ signal: ended.signal }))).rejects.toThrow('enough');
    });
  });

  describe('rebuilt', () => {
    it('is compared before it serves, and the old build stays until it is dropped', async () => {
      const report = await views.tasks.rebuild(jobWork(), { keepOld: true });
      expect(report).toMatchObject({ ok: true, generation: 2, rows: 6, kept: 1 });
      expect(report.events).toBe(tasks.stored.length);
      expect(states()).toEqual([
        [1, 'kept'],
        [2, 'serving'],
      ]);
      expect(await views.tasks.dropBuilds()).toEqual([1]);
      await until(() => states().length === 1);
      expect(tables(1)).toBe(0);
      expect(await views.tasks.dropBuilds()).toEqual([]);
    });

    it('leaves the old one serving when the new one differs from the log', async () => {
      // The first task is compared when this is told, the last one is not yet.
      const spoil: JobWork['report'] = ({ step }) => {
        if (step === 'verify') sql("UPDATE task_row_2 SET name = 'spoiled' WHERE name = 'failed'");
      };
      await expect(views.rebuild(jobWork({ report: spoil }))).rejects.toThrow(
        /new build of tasks differs.*1 place.*old one goes on serving.*name/,
      );
      expect(states()).toEqual([
        [1, 'serving'],
        [2, 'retired'],
      ]);
    });

    it('is taken away when the job is aborted, and the next one begins anew', async () => {
      const ended = new AbortController();
      const report: JobWork['report'] = ({ step }) => {
        if (step === 'verify') ended.abort(new Error('enough'));
      };
      await expect(views.rebuild(jobWork({ signal: ended.signal, report }))).rejects.toThrow(
        'enough',
      );
      await until(() => states().length === 1);
      expect(tables(2)).toBe(0);
      // What is dear for as long as a view is built.
      expect(isHeapKeptSmall()).toBe(false);
      expect(await views.rebuild()).toMatchObject({ ok: true });
    });

    it('is gone on with by the next life of the same job, from where it was', async () => {
      const ended = new AbortController();
      const report: JobWork['report'] = ({ step }) => {
        if (step === 'verify') ended.abort(new JobInterrupted('The service stops.'));
      };
      const job = jobWork({ signal: ended.signal, report });
      await expect(views.rebuild(job)).rejects.toThrow('The service stops.');
      // What is written is not folded again: this would come back.
      sql("UPDATE task_row_2 SET name = 'left as it was' WHERE name = 'done'");
      await expect(views.rebuild(jobWork({ jobId: job.jobId }))).rejects.toThrow(/left as it was/);
    });

    it('is not built again when the job had died right after the swap', async () => {
      const job = jobWork();
      await views.tasks.rebuild(job, { keepOld: true });
      const again = await views.tasks.rebuild(job, { keepOld: true });
      expect(again).toMatchObject({ ok: true, generation: 2, kept: 1 });
      expect(states()).toHaveLength(2);
    });

    it('goes on while another process starts on its folder, and then serves in both', async () => {
      await views.tasks.setPaused(true);
      const actor = { id: 'root', roles: ['admin'], verified: true };
      const command = withContext({ projection: 'tasks' }, { actor, correlationId: 'c' });
      const jobs = views.part(Jobs);
      const { jobId } = jobs.start('rebuild_projection', command, (work) => views.rebuild(work));
      await until(() => states().length === 2);
      const other = await Views.over(tasks.log, folder.path('views.db'));
      expect(states()).toEqual([
        [1, 'serving'],
        [2, 'building'],
      ]);
      await views.tasks.setPaused(false);
      await until(() => jobs.find(jobId)?.state === 'done');
      for (const each of [views, other]) {
        const id = await tasks.create({ name: 'after' });
        await each.reach(await head());
        expect(await each.ask(message(GetTask, { id }))).toMatchObject({ name: 'after' });
      }
      expect(states()).toEqual([
        [1, 'retired'],
        [2, 'serving'],
      ]);
      await other.close();
    });

    it('tells how far it is, fold and comparison', async () => {
      const steps = new Set<string>();
      await views.rebuild(jobWork({ report: ({ step = '' }) => steps.add(step) }));
      expect([...steps]).toEqual(['fold', 'verify']);
    });
  });

  describe('tried out', () => {
    const dryRun = (stretch: { from?: Position; to?: Position } = {}) =>
      views.tasks.dryRun(jobWork(), stretch);

    it('finds nothing where nothing is wrong, and changes nothing', async () => {
      const before = await head();
      expect(await dryRun()).toEqual({
        projection: 'tasks',
        ok: true,
        events: tasks.stored.length,
        tasks: 7,
        position: before,
        failures: [],
        failureCount: 0,
        differences: [],
        differenceCount: 0,
      });
      expect(await head()).toBe(before);
      expect(states()).toEqual([[1, 'serving']]);
    });

    it('tells of events that the present code cannot take', async () => {
      const position = await poison(ids.plain);
      const { ok, failures, failureCount, differenceCount } = await dryRun();
      expect({ ok, failureCount, differenceCount }).toEqual({
        ok: false,
        failureCount: 1,
        differenceCount: 0,
      });
      expect(failures).toEqual([
        {
          taskId: ids.plain,
          revision: 1,
          position,
          type: 'TaskTeleported',
          error: expect.any(String),
        },
      ]);
    });

    it('tells where the view says otherwise, when the stretch ends where that is', async () => {
      sql(`UPDATE task_payload_1 SET input = '"out"' WHERE input IS NOT NULL`);
      expect(await dryRun()).toMatchObject({
        ok: false,
        differences: [{ taskId: ids.done, path: '/input', view: 'out', log: 'in' }],
      });
      const early = tasks.stored[5]!.position;
      expect(await dryRun({ to: early })).toMatchObject({ ok: true, position: early });
    });

    it('looks only at tasks with events in the stretch', async () => {
      const from = await head();
      await tasks.append(ids.plain, new TaskStarted({ attempt: 1 }));
      await views.reach(await tasks.append(ids.plain, new ProgressUpdated({ progress: 4 })));
      sql(`UPDATE task_payload_1 SET input = '"out"' WHERE input IS NOT NULL`);
      expect(await dryRun({ from })).toMatchObject({ ok: true, events: 2, tasks: 1 });
      expect(offsetOf(from)).toBeGreaterThan(0n);
    });

    /** An event that only another release knows; resolves when the view has put the task aside. */
    async function poison(id: string): Promise<Position> {
      const stored = tasks.stored.find(({ taskId }) => taskId === id)!;
      const { position } = await tasks.log.append(taskStream(id), 0n, [
        {
          id: '0190a5a0-0000-7000-8000-00000000dead',
          type: 'TaskTeleported',
          data: '{}',
          metadata: JSON.stringify(stored.metadata),
        },
      ]);
      await until(async () => (await views.tasks.parked()).length === 1);
      return position;
    }
  });
});
