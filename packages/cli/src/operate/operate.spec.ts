import { describe, expect, it } from '@jest/globals';
import { answer, refusal, TASK_ID, taskmanager } from '../../test/cli.js';

const parked = {
  ...{
    processor: 'retry',
    taskId: TASK_ID,
    revision: 4,
    position: 'p',
    eventId: 'e-4',
    type: 'TaskFailed',
  },
  ...{ error: 'no such\u001b[2J table', attempts: 5, parkedAt: 1_700_000_000_000 },
};

describe('processor', () => {
  it('lists how each is doing', async () => {
    const processors = [
      {
        name: 'tasks',
        kind: 'projection',
        version: 1,
        state: 'live',
        paused: false,
        failures: 0,
        parked: 0,
        lag: 0,
      },
      {
        name: 'retry',
        kind: 'saga',
        version: 1,
        state: 'retrying',
        paused: false,
        failures: 2,
        parked: 1,
        lag: 1_200,
      },
    ];
    const { out, err } = await taskmanager(['processor', 'list'], {
      answers: { list_processors: answer({ processors, head: 'h' }) },
    });
    expect(out).toMatch(/tasks +projection +live +0 +0 +0/);
    expect(out).toMatch(/retry +saga +retrying +1,200 +1 +2/);
    expect(err).toBe('The log ends at h.\n');
  });

  it.each([
    [
      ['pause', 'retry', '-r', 'wrong policy'],
      'pause_processor',
      { name: 'retry', reason: 'wrong policy' },
    ],
    [['resume', 'retry'], 'resume_processor', { name: 'retry' }],
  ])('%j is %s', async (args, name, fields) => {
    const { asked } = await taskmanager(['processor', ...args], {
      answers: { [name]: answer({ name: 'retry', paused: true }) },
    });
    expect(asked).toEqual([{ subject: `tasks.admin.${name}`, fields }]);
  });

  it('that is not there is refused, and a value that no service would take is wrong usage', async () => {
    const ended = (details: object) =>
      taskmanager(['processor', 'resume', 'nope'], {
        answers: { resume_processor: refusal('VALIDATION_FAILED', 'No.', details) },
      });
    expect((await ended({ field: 'name', names: ['retry'] })).code).toBe(1);
    expect((await ended({ field: 'name', problems: ['name is no name'] })).code).toBe(2);
  });
});

describe('type', () => {
  it('lists what holds for each', async () => {
    const paused = { by: 'olga', at: 1_700_000_000_000, reason: 'the host is\u001b[2J moving' };
    const types = [
      { taskType: 'clone_repository', paused, held: 0, pending: 1_200 },
      { taskType: 'index_repository', maxRunning: 4, held: 3, pending: 2 },
    ];
    const { out, asked } = await taskmanager(['type', 'list', '-t', 'clone_repository', '--utc'], {
      answers: { list_task_types: answer({ types }) },
    });
    expect(asked).toEqual([
      {
        subject: 'tasks.admin.list_task_types',
        fields: { taskTypes: ['clone_repository'], limit: 100 },
      },
    ]);
    expect(out).toMatch(
      /clone_repository +paused +0 +1,200 +olga +2023-11-14 22:13:20Z +the host is\\u001b\[2J/,
    );
    expect(out).toMatch(/index_repository +open +3 +4 +2/);
  });

  it.each([
    [['pause', 'clone_repository', '-r', 'x'], 'pause_task_type', { reason: 'x' }],
    [['resume', 'clone_repository'], 'resume_task_type', {}],
    [['limit', 'clone_repository', '4'], 'limit_task_type', { maxRunning: 4 }],
    [['limit', 'clone_repository', 'none'], 'limit_task_type', { maxRunning: null }],
  ])('%j is %s', async (args, name, fields) => {
    const taskType = 'clone_repository';
    const { asked, out } = await taskmanager(['type', ...args], {
      answers: { [name]: answer({ taskType, paused: true, maxRunning: 1_200 }) },
    });
    expect(asked).toEqual([{ subject: `tasks.admin.${name}`, fields: { taskType, ...fields } }]);
    expect(out).toBe('clone_repository is paused: workers get none of its tasks; 1,200 at once.\n');
  });

  it.each(['0', 'all', '1.5', '1000001'])('is not limited to %s', async (max) => {
    const ended = await taskmanager(['type', 'limit', 'clone_repository', max]);
    expect(ended).toMatchObject({ code: 2, asked: [] });
  });
});

describe('worker', () => {
  it('lists who is there and what they hold', async () => {
    const workers = [
      {
        ...{ workerId: 'w-1', actor: 'olga', taskTypes: ['clone_repository', 'import_files'] },
        ...{ waiting: 2, lastSeenAt: 1_700_000_000_000, holds: [], holding: 1_200 },
      },
      { workerId: 'w-2', taskTypes: [], waiting: 0, holds: [], holding: 1 },
    ];
    const { out, err, asked } = await taskmanager(['worker', 'list', '--utc'], {
      answers: { list_workers: answer({ workers, nextCursor: 'c', more: true }) },
    });
    expect(asked).toEqual([{ subject: 'tasks.query.list_workers', fields: { limit: 100 } }]);
    expect(out).toMatch(
      /w-1 +olga +2 +1,200 +2023-11-14 22:13:20Z +clone_repository, import_files\nw-2 +0 +1/,
    );
    expect(err).toMatch(/some workers may hold more.*--cursor c/s);
  });

  it('says so when there is none', async () => {
    const { out, err } = await taskmanager(['worker', 'list'], {
      answers: { list_workers: answer({ workers: [] }) },
    });
    expect([out, err]).toEqual(['', 'No worker claims or holds tasks.\n']);
  });
});

describe('parked', () => {
  const listed = { list_parked_events: answer({ events: [parked] }) };

  it('lists, and shows one in full, nothing of it reaching the terminal as it is', async () => {
    const { out } = await taskmanager(['parked', 'list', '-p', 'retry'], { answers: listed });
    expect(out).toContain('no such\\u001b[2J table');
    const one = await taskmanager(['parked', 'show', 'retry', TASK_ID], { answers: listed });
    expect(one.out).toContain('event      TaskFailed, e-4');
    const other = await taskmanager(['parked', 'show', 'retry', TASK_ID.replace('1', '2')], {
      answers: { list_parked_events: answer({ events: [] }) },
    });
    expect(other).toMatchObject({ code: 1, out: '' });
  });

  it('has one handled again, or all when that is said', async () => {
    const answers = { retry_parked_events: answer({ requested: 1 }) };
    const one = await taskmanager(['parked', 'retry', 'retry', TASK_ID], { answers });
    expect(one.asked[0]?.fields).toEqual({ processor: 'retry', taskId: TASK_ID });
    const all = await taskmanager(['parked', 'retry', 'retry', '--all'], { answers });
    expect(all.asked[0]?.fields).toEqual({ processor: 'retry' });
    expect(await taskmanager(['parked', 'retry', 'retry'])).toMatchObject({ code: 2, asked: [] });
  });

  it('discards only when it is sure', async () => {
    const answers = { ...listed, discard_parked_events: answer({ requested: 1 }) };
    const unsure = await taskmanager(['parked', 'discard', 'retry', TASK_ID], { answers });
    expect(unsure).toMatchObject({ code: 2, asked: [] });
    const sure = await taskmanager(['parked', 'discard', 'retry', TASK_ID, '--yes', '-r', 'x'], {
      answers,
    });
    expect(sure.asked).toEqual([
      {
        subject: 'tasks.admin.discard_parked_events',
        fields: { processor: 'retry', taskId: TASK_ID, reason: 'x' },
      },
    ]);
  });
});

describe('log', () => {
  it('tells what it holds', async () => {
    const stats = {
      ...{ logId: '0000abcd', kind: 'sqlite', head: 'h', events: 1_200, tasks: 50, refusals: 3 },
      ...{
        firstAt: 0,
        lastAt: 1_700_000_000_000,
        byType: { TaskCreated: 50, ProgressUpdated: 900 },
      },
      bytes: 3_145_728,
    };
    const { out } = await taskmanager(['log', 'stats', '--iso'], {
      answers: { log_stats: answer(stats) },
    });
    expect(out).toContain('size      3.0 MiB');
    expect(out).toMatch(/last +2023-11-14T22:13:20.000Z/);
    expect(out.indexOf('ProgressUpdated')).toBeLessThan(out.indexOf('TaskCreated'));
  });
});
