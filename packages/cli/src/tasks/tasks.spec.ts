import { describe, expect, it } from '@jest/globals';
import { answer, refusal, task, TASK_ID, taskmanager } from '../../test/cli.js';

const page = (...tasks: object[]) => answer({ tasks });
const accepted = {
  taskId: TASK_ID,
  taskType: 'publish',
  status: 'cancelled',
  revision: 6,
  position: '0000abcd:00000000000000000006',
  events: [{ id: 'e', type: 'TaskCancelled', revision: 6 }],
};

describe('task list', () => {
  it('shows one task a line', async () => {
    const { code, out } = await taskmanager(['task', 'list', '--utc'], {
      answers: { list_tasks: page(task(), task({ status: 'failed', error: 'no\u001b[2J disk' })) },
    });
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'ID | STATUS | PROGRESS | NAME | TYPE | APP | UPDATED | SAYS',
      `${TASK_ID} | running | 40 % (4 of 10) | Publish left-pad | publish | shop | 2023-11-14 22:14:20Z`,
      `${TASK_ID} | failed | 40 % (4 of 10) | Publish left-pad | publish | shop | 2023-11-14 22:14:20Z | no\\u001b[2J disk`,
      '',
    ]);
  });

  it('asks for what its options say', async () => {
    const { asked } = await taskmanager(
      [
        ...[
          'task',
          'list',
          '-s',
          'running,failed',
          '-s',
          'paused',
          '--type',
          'publish',
          '-a',
          'shop',
        ],
        ...['--label', 'team=core', '--text', 'disk', '--awaiting', 'role:release', '--limit', '7'],
        ...['--since', '2023-11-14T00:00Z', '--sort', 'name', '--order', 'asc', '--cursor', 'c'],
      ],
      { answers: { list_tasks: page() } },
    );
    expect(asked).toEqual([
      {
        subject: 'tasks.query.list_tasks',
        fields: {
          statuses: ['running', 'failed', 'paused'],
          taskTypes: ['publish'],
          appName: 'shop',
          labels: { team: 'core' },
          text: 'disk',
          awaitingApprovalBy: 'role:release',
          updatedFrom: 1_699_920_000_000,
          sort: 'name',
          order: 'asc',
          limit: 7,
          cursor: 'c',
        },
      },
    ]);
  });

  it('is one JSON document for programs, and one task a line with --all', async () => {
    const answers = { list_tasks: [answer({ tasks: [task()], nextCursor: 'c' }), page(task())] };
    const one = await taskmanager(['task', 'list', '--json'], { answers });
    expect(JSON.parse(one.out)).toEqual({ tasks: [task()], nextCursor: 'c' });
    const all = await taskmanager(['task', 'list', '--json', '--all'], { answers });
    expect(
      all.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([task(), task()]);
  });

  it('says where to go on', async () => {
    const { err } = await taskmanager(['task', 'list'], {
      answers: { list_tasks: answer({ tasks: [task()], nextCursor: 'c-1' }) },
    });
    expect(err).toBe('There are more: --cursor c-1, or --all.\n');
  });
});

describe('colours', () => {
  const answers = { list_tasks: page(task()) };
  const CYAN = '\u001b[36m';

  it('are for terminals', async () => {
    expect((await taskmanager(['task', 'list'], { answers, columns: 120 })).out).toContain(CYAN);
    expect((await taskmanager(['task', 'list'], { answers })).out).not.toContain('\u001b');
  });

  it('can be turned off', async () => {
    const off = [
      await taskmanager(['task', 'list', '--no-color'], { answers, columns: 120 }),
      await taskmanager(['task', 'list'], { answers, columns: 120, variables: { NO_COLOR: '1' } }),
    ];
    for (const { out } of off) expect(out).not.toContain('\u001b');
  });
});

describe('task get, history and explain', () => {
  it('show a task in full', async () => {
    const { out } = await taskmanager(['task', 'get', TASK_ID, '--iso'], {
      answers: { get_task: answer(task({ data: { amount: 3 }, labels: { team: 'core' } })) },
    });
    expect(out).toContain('status   running, 40 % (4 of 10)');
    expect(out).toContain('labels   team=core');
    expect(out).toContain('created  2023-11-14T22:13:20.000Z by ann');
    expect(out).toContain('data  {\n  "amount": 3\n}');
  });

  it('tell the history, page after page', async () => {
    const event = (revision: number, line?: string) => ({
      ...{
        id: 'e',
        type: 'TaskPaused',
        version: 1,
        revision,
        position: 'p',
        at: 1_700_000_000_000,
      },
      ...{ actor: { id: 'ann', roles: [], verified: false }, data: {}, metadata: {} },
      ...(line === undefined ? {} : { line }),
    });
    const { out, asked } = await taskmanager(['task', 'history', TASK_ID, '--utc'], {
      answers: {
        get_task_history: [
          answer({ events: [event(0, 'ann paused it: the disk is full')], nextRevision: 1 }),
          answer({ events: [event(1)] }),
        ],
      },
    });
    expect(out.split('\n')).toEqual([
      '2023-11-14 22:13:20Z    0  ann paused it: the disk is full',
      '2023-11-14 22:13:20Z    1  ann: TaskPaused',
      '',
    ]);
    expect(asked.map(({ fields }) => fields)).toEqual([
      { id: TASK_ID, fromRevision: 0, limit: 500 },
      { id: TASK_ID, fromRevision: 1, limit: 500 },
    ]);
  });

  it('say when the history has nothing from there on', async () => {
    const answers = { get_task_history: answer({ events: [] }) };
    const { out, err } = await taskmanager(['task', 'history', TASK_ID, '--from', '9'], {
      answers,
    });
    expect({ out, err }).toEqual({
      out: '',
      err: 'Nothing happened to it from revision 9 on.\n',
    });
  });

  it('explain why it stands where it stands', async () => {
    const reasons = [
      { code: 'paused', text: 'ann paused it.', until: 1_700_000_000_000, by: 'ann' },
    ];
    const { out } = await taskmanager(['task', 'explain', TASK_ID, '--utc'], {
      answers: { explain_task: answer({ taskId: TASK_ID, status: 'paused', reasons }) },
    });
    expect(out).toBe('It is paused.\n- ann paused it. (until 2023-11-14 22:13:20Z, by ann)\n');
  });
});

describe('task stuck', () => {
  const stuck = {
    ...{ taskId: TASK_ID, taskType: 'publish', appName: 'shop', status: 'failed', kind: 'retry' },
    ...{
      dueAt: 0,
      overdueMs: 72_000,
      reasons: [{ code: 'timer_overdue', text: 'retry is paused' }],
    },
  };

  it('lists what should have been moved, and ends with 3', async () => {
    const { code, out, asked } = await taskmanager(['task', 'stuck', '--grace', '30s'], {
      answers: { list_stuck_tasks: page(stuck) },
    });
    expect(code).toBe(3);
    expect(out).toMatch(/failed +retry +1m 12s +retry is paused/);
    expect(asked[0]?.fields).toEqual({ graceMs: 30_000, limit: 50 });
  });

  it('ends with 0 when there is none', async () => {
    const answers = { list_stuck_tasks: page() };
    expect(await taskmanager(['task', 'stuck'], { answers })).toMatchObject({ code: 0 });
  });
});

describe('steering', () => {
  it.each([
    [['pause', '-r', 'disk full'], 'pause_task', { reason: 'disk full' }],
    [['resume'], 'resume_task', {}],
    [['retry', '--force'], 'retry_task', { force: true }],
    [['cancel', '--yes', '--reason', 'wrong one'], 'cancel_task', { reason: 'wrong one' }],
    [['approve', '-y', '-c', 'fine'], 'approve_task', { comment: 'fine' }],
    [['reject', '-y', '-r', 'no'], 'reject_task', { reason: 'no' }],
  ])('sends %j as %s', async ([verb = '', ...options], name, fields) => {
    const { code, asked, out } = await taskmanager(['task', verb, TASK_ID, ...options], {
      answers: { batch: answer({ results: [{ ok: accepted }] }), [name]: answer(accepted) },
    });
    expect({ code, asked }).toEqual({
      code: 0,
      asked: [{ subject: `tasks.command.${name}`, fields: { id: TASK_ID, ...fields } }],
    });
    expect(out).toBe(`It is cancelled now (publish ${TASK_ID}, revision 6).\n`);
  });

  it.each([['cancel'], ['approve'], ['reject', '-r', 'no']])(
    'refuses to %s where nobody can be asked, and sends nothing',
    async (verb, ...more) => {
      const { code, err, asked } = await taskmanager(['task', verb, TASK_ID, ...more]);
      expect({ code, asked }).toEqual({ code: 2, asked: [] });
      expect(err).toContain('say --yes');
    },
  );

  it('says that a command changed nothing', async () => {
    const { out } = await taskmanager(['task', 'pause', TASK_ID], {
      answers: { pause_task: answer({ ...accepted, status: 'paused', events: [] }) },
    });
    expect(out).toContain('Nothing changed; it is paused now');
  });
});

describe('what goes wrong', () => {
  const get = ['task', 'get', TASK_ID];

  it('is one plain line, and tells scripts by the exit code', async () => {
    const answers = { get_task: refusal('TASK_NOT_FOUND', `There is no task ${TASK_ID}.`) };
    const { code, out, err } = await taskmanager(get, { answers });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      `taskmanager: There is no task ${TASK_ID}. taskmanager task list shows which tasks there are.\n`,
    );
  });

  it('is JSON for programs, on standard error', async () => {
    const answers = { get_task: refusal('FORBIDDEN', 'No.') };
    const { code, err } = await taskmanager([...get, '--json'], { answers });
    expect(code).toBe(1);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'FORBIDDEN', correlationId: 'c-1' } });
  });

  it.each([
    [['task', 'lst', '--json'], 'unknown command'],
    [['task', 'get', 'x', '--json'], 'An id is a UUID'],
    [['task', '--json'], 'No command is named'],
  ])('is JSON for programs when the command line is %j', async (args, message) => {
    const { code, out, err } = await taskmanager(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(JSON.parse(err)).toEqual({
      error: { code: 'USAGE', message: expect.stringContaining(message) },
    });
  });

  it('reaches no terminal as it came, as JSON either', async () => {
    const answers = { get_task: refusal('FORBIDDEN', 'a\u009b2Jb\u202e') };
    const asJson = await taskmanager([...get, '--json'], { answers });
    expect(JSON.parse(asJson.err)).toMatchObject({ error: { code: 'FORBIDDEN' } });
    expect(asJson.err).toContain('\\u009b2Jb\\u202e');
  });

  it('says who to be when the token is not known, and never the token', async () => {
    const answers = { get_task: refusal('UNAUTHENTICATED', 'meta.token is not known.') };
    const { code, err, received } = await taskmanager([...get, '--token', 's3cret'], { answers });
    expect(code).toBe(1);
    expect(err).toContain('TASKMANAGER_TOKEN');
    expect(err).not.toContain('s3cret');
    expect(received[0]?.data).toMatchObject({ meta: { token: 's3cret' } });
  });

  it('is an unreachable service: 4, where it was looked for, and what to do', async () => {
    const args = [...get, '--server', 'tcp://127.0.0.1:9', '--timeout'];
    const { code, err } = await taskmanager([...args, '1']);
    expect(code).toBe(4);
    expect(err).toMatch(
      /^taskmanager: No TaskManager service answers at 127\.0\.0\.1:9.*npm start.*\n$/,
    );
    // Whoever sits there is told that it is being tried.
    const watching = { columns: 200, variables: { NO_COLOR: '1' } };
    const soon = await taskmanager([...args, '1'], watching);
    expect(soon.err).toMatch(/^taskmanager: No TaskManager service/);
    const watched = await taskmanager([...args, '3'], watching);
    expect(watched.err).toMatch(/^Nobody answers yet …\ntaskmanager: No TaskManager service/);
  });

  it('names the file that cannot be written', async () => {
    const file = '/no/such/folder/task.ndjson';
    const { code, err } = await taskmanager(['task', 'export', TASK_ID, '-o', file], {
      answers: { export_task: answer({ events: [] }) },
    });
    expect({ code, err }).toEqual({
      code: 1,
      err: `taskmanager: ${file} cannot be written: ENOENT: no such file or directory\n`,
    });
  });

  it.each([
    [['task', 'get', 'x'], 'An id is a UUID'],
    [['task', 'list', '--status', 'asleep'], 'Allowed: pending'],
    [['task', 'lst'], 'Did you mean list?'],
    [['task', 'list', '--limt', '3'], 'Did you mean --limit?'],
    [[...get, '--server', 'somewhere'], 'tcp://host:port'],
  ])('is a command line like %j: 2', async (args, said) => {
    const { code, err, asked } = await taskmanager(args);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(err).toContain(said);
  });

  it('is not help', async () => {
    const { code, out, err } = await taskmanager(['task', 'list', '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Examples:');
    expect(out).toContain('--server <url>');
  });
});
