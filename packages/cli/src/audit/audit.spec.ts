import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { answer, TASK_ID, taskmanager } from '../../test/cli.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskmanager-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const event = (fields: object = {}) => ({
  ...{
    position: '0000abcd:00000000000000000007',
    at: 1_700_000_000_000,
    eventId: 'e-7',
    type: 'TaskPaused',
  },
  ...{ revision: 3, taskId: TASK_ID, taskType: 'publish', appName: 'shop', status: 'paused' },
  ...{
    actor: { id: 'ann', roles: ['client', 'admin'], verified: true },
    line: 'ann paused it: disk full',
  },
  ...fields,
});
const refused = event({
  type: 'CommandRefused',
  refused: { command: 'complete_task', code: 'INVALID_TRANSITION', reason: 'it is paused' },
  line: 'bob was refused complete_task: it is paused',
});

describe('audit query', () => {
  it('asks for what its options say', async () => {
    const { asked } = await taskmanager(
      [
        ...[
          'audit',
          'query',
          '--by',
          'ann',
          '-a',
          'shop',
          '--task',
          TASK_ID,
          '-t',
          'publish',
          '--happened',
        ],
        ...[
          '-e',
          'TaskPaused,TaskResumed',
          '-w',
          'w-1',
          '--correlation',
          'c',
          '--order',
          'asc',
          '-n',
          '9',
        ],
        ...['--since', '1700000000000', '--until', '1700000001000', '--count', '--cursor', 'x'],
      ],
      { answers: { query_audit: answer({ events: [] }) } },
    );
    expect(asked).toEqual([
      {
        subject: 'tasks.query.query_audit',
        fields: {
          actor: 'ann',
          appName: 'shop',
          taskIds: [TASK_ID],
          taskTypes: ['publish'],
          events: ['TaskPaused', 'TaskResumed'],
          workerId: 'w-1',
          correlationId: 'c',
          refused: false,
          atFrom: 1_700_000_000_000,
          atTo: 1_700_000_001_000,
          order: 'asc',
          limit: 9,
          cursor: 'x',
          count: true,
        },
      },
    ]);
  });

  it('tells when, about what, and who did what', async () => {
    const page = {
      events: [event(), refused],
      nextCursor: 'n',
      count: { events: 1_234, exact: false },
    };
    const { out, err } = await taskmanager(['audit', 'query', '--utc'], {
      answers: { query_audit: answer(page) },
    });
    expect(out.split('\n')).toEqual([
      `2023-11-14 22:13:20Z  ${TASK_ID} (publish of shop)`,
      '  ann paused it: disk full',
      `2023-11-14 22:13:20Z  ${TASK_ID} (publish of shop)`,
      '  bob was refused complete_task: it is paused',
      '',
    ]);
    expect(err).toBe('At least 1,234 events in all.\nThere are more: --cursor n\n');
  });

  it('tells what is about no task by its time alone', async () => {
    const nothing = { taskId: undefined, taskType: undefined, appName: undefined };
    const told = event({ ...nothing, line: 'ann told the service: backup' });
    const { out } = await taskmanager(['audit', 'query', '--utc'], {
      answers: { query_audit: answer({ events: [told] }) },
    });
    expect(out).toBe('2023-11-14 22:13:20Z\n  ann told the service: backup\n');
  });
});

describe('audit export', () => {
  const pages = (...all: (readonly object[])[]) => ({
    query_audit: all.map((events, index) =>
      answer({
        events,
        ...(index === 0 ? { count: { events: all.flat().length, exact: true } } : {}),
        ...(index === all.length - 1 ? {} : { nextCursor: `c-${index}` }),
      }),
    ),
  });

  it('writes NDJSON, page after page, the oldest first', async () => {
    const { code, out, asked } = await taskmanager(['audit', 'export'], {
      answers: pages([event(), event()], [refused]),
    });
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([event(), event(), refused]);
    expect(asked.map(({ fields }) => fields)).toEqual([
      { order: 'asc', limit: 1_000, count: true },
      { order: 'asc', limit: 1_000, count: false, cursor: 'c-0' },
    ]);
  });

  it('writes CSV with a header, in which nothing is run by a spreadsheet', async () => {
    const odd = event({
      actor: { id: '=HYPERLINK("x")', roles: [], verified: false },
      line: 'a,"b"\nc',
    });
    const { out } = await taskmanager(['audit', 'export', '--format', 'csv'], {
      answers: pages([odd, refused]),
    });
    const [header, first, second, end] = out.split('\n');
    expect(header).toBe(
      'position,at,type,taskId,taskType,appName,revision,status,attempt,actor,roles,verified,workerId,transport,refusedCommand,refusedCode,refusedReason,line,imported,eventId,commandId,correlationId,causationId',
    );
    expect(first).toContain(`"'=HYPERLINK(""x"")"`);
    expect(first).toContain('"a,""b""\\nc"');
    expect(first).toContain(',false,');
    expect(second).toContain('complete_task,INVALID_TRANSITION,it is paused');
    expect(end).toBe('');
  });

  it('writes a time that no calendar reaches as it is', async () => {
    const odd = event({ at: Number.MAX_SAFE_INTEGER });
    const csv = await taskmanager(['audit', 'export', '--format', 'csv'], {
      answers: pages([odd]),
    });
    expect([csv.code, csv.err]).toEqual([0, '']);
    expect(csv.out.split('\n')[1]).toContain(String(Number.MAX_SAFE_INTEGER));
    const shown = await taskmanager(['audit', 'query', '--utc'], { answers: pages([odd]) });
    expect(shown.out).toContain(String(Number.MAX_SAFE_INTEGER));
  });

  it('writes a file, which has its name when it is whole', async () => {
    const file = join(folder, 'all.ndjson');
    const { code, out, err } = await taskmanager(['audit', 'export', '--out', file], {
      answers: pages([event()]),
    });
    expect({ code, out, err }).toEqual({ code: 0, out: '', err: `1 event written to ${file}.\n` });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(event());
    expect(readdirSync(folder)).toEqual(['all.ndjson']);
  });

  it('leaves alone what others have put or write beside it', async () => {
    const file = join(folder, 'all.ndjson');
    writeFileSync(`${file}.part`, 'mine');
    const two = [0, 1].map(() =>
      taskmanager(['audit', 'export', '-o', file, '--force'], { answers: pages([event()]) }),
    );
    for (const { code } of await Promise.all(two)) expect(code).toBe(0);
    expect(readFileSync(`${file}.part`, 'utf8')).toBe('mine');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(event());
    expect(readdirSync(folder)).toEqual(['all.ndjson', 'all.ndjson.part']);
  });

  it('replaces no file that came while it was written', async () => {
    const file = join(folder, 'all.ndjson');
    const query_audit = () => {
      writeFileSync(file, 'theirs');
      return answer({ events: [event()] });
    };
    const { code, err } = await taskmanager(['audit', 'export', '-o', file], {
      answers: { query_audit },
    });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('--force') });
    expect(readFileSync(file, 'utf8')).toBe('theirs');
    expect(readdirSync(folder)).toEqual(['all.ndjson']);
  });

  it('leaves no file when it breaks off', async () => {
    const answers = {
      query_audit: [
        answer({ events: [event()], nextCursor: 'c' }),
        { err: { code: 'INTERNAL', message: 'It broke.', correlationId: 'x' } },
      ],
    };
    const { code, err } = await taskmanager(['audit', 'export', '-o', join(folder, 'a')], {
      answers,
    });
    expect(code).toBe(1);
    expect(err).toContain('It broke.');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('replaces no file unless it is told to, and asks the service nothing before', async () => {
    const file = join(folder, 'kept');
    writeFileSync(file, 'before');
    const refusedOne = await taskmanager(['audit', 'export', '-o', file]);
    expect(refusedOne).toMatchObject({ code: 2, asked: [] });
    expect(readFileSync(file, 'utf8')).toBe('before');
    const forced = await taskmanager(['audit', 'export', '-o', file, '--force'], {
      answers: pages([event()]),
    });
    expect(forced.code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(event());
  });
});

describe('audit seal and verify', () => {
  const seal = {
    ...{ format: 'taskmanager-seal', version: 1, logId: '0000abcd', position: 'p', events: 10 },
    ...{ streams: 3, root: 'ab', at: 1_700_000_000_000 },
  };
  const ends = (message: string, result: object) => ({
    [message]: answer({ jobId: TASK_ID }),
    get_job: answer({
      jobId: TASK_ID,
      kind: message,
      state: 'done',
      by: 'a',
      args: {},
      startedAt: 0,
      result,
    }),
  });
  const whole = { ok: true, events: 12, streams: 3, position: 'p', problems: [], problemCount: 0 };

  it('write a seal to a file, and show what is missing since it was made', async () => {
    const file = join(folder, 'seal.json');
    const made = await taskmanager(['audit', 'seal', '--out', file], {
      answers: ends('seal_history', seal),
    });
    expect(made.code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(seal);

    const missing = { ok: false, eventsSince: 0, missingEvents: 4, missingStreams: 1 };
    const problem = { code: 'log_cut', text: 'It ends before the seal.', position: 'p' };
    const report = { ...whole, ok: false, problems: [problem], problemCount: 1, seal: missing };
    const { code, out, asked } = await taskmanager(['audit', 'verify', '--seal', file], {
      answers: ends('verify_history', report),
    });
    expect(code).toBe(3);
    expect(asked[0]).toEqual({ subject: 'tasks.admin.verify_history', fields: { seal } });
    expect(out).toBe(
      [
        '✗ The history is not whole: 1 problem in 12 events of 3 streams up to p.',
        '✗ It is not what was sealed: 4 events and 1 stream fewer are there.',
        '- log_cut p',
        '  It ends before the seal.',
        '',
      ].join('\n'),
    );
  });

  it('make no seal for a file that nobody would wait to write', async () => {
    const file = join(folder, 'unwritten.json');
    const ended = await taskmanager(['audit', 'seal', '--no-wait', '--out', file], {
      answers: ends('seal_history', seal),
    });
    expect(ended).toMatchObject({ code: 2, asked: [] });
    expect(ended.err).toContain('--no-wait');
  });

  it('say what a seal does not show, where an event was changed that it covers', async () => {
    const file = join(folder, 'seal.json');
    writeFileSync(file, JSON.stringify(seal));
    const fits = { ok: true, eventsSince: 2, missingEvents: 0, missingStreams: 0 };
    const problem = { code: 'hash_mismatch', text: 'Its data was changed.', position: 'p' };
    const unwitnessed = 'The audit could not be asked.';
    const found = { ok: false, problems: [problem], problemCount: 1, seal: fits, unwitnessed };
    const { code, out } = await taskmanager(['audit', 'verify', '--seal', file], {
      answers: ends('verify_history', { ...whole, ...found }),
    });
    expect(code).toBe(3);
    expect(out).not.toContain('✓');
    expect(out.split('\n').slice(1, 4)).toEqual([
      '! The histories end as they did when they were sealed, and 2 events came since: none was cut off or replaced. Whether what lies before those ends was changed, a seal does not show; see below.',
      '! The audit could not be asked.',
      '- hash_mismatch p',
    ]);
  });

  it('print a seal as JSON where no file is named', async () => {
    const { out } = await taskmanager(['audit', 'seal'], { answers: ends('seal_history', seal) });
    expect(JSON.parse(out)).toEqual(seal);
  });

  it('take no other file for a seal', async () => {
    const file = join(folder, 'x.json');
    writeFileSync(file, '{"format":"other"}');
    const { code, err, asked } = await taskmanager(['audit', 'verify', '--seal', file]);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(err).toContain('is no seal');
  });

  it('check one task at once, and name the event that does not fit', async () => {
    const problem = {
      ...{ code: 'hash_mismatch', text: 'Its data was changed.', taskId: TASK_ID, revision: 2 },
      type: 'TaskPaused',
    };
    const verdict = {
      taskId: TASK_ID,
      ok: false,
      events: 5,
      refusals: 0,
      head: 'h',
      problems: [problem],
    };
    const { code, out, asked } = await taskmanager(['audit', 'verify', '--task', TASK_ID], {
      answers: { verify_history: answer(verdict) },
    });
    expect(code).toBe(3);
    expect(asked[0]?.subject).toBe('tasks.query.verify_history');
    expect(out).toContain(
      `- hash_mismatch ${TASK_ID}, revision 2, TaskPaused\n  Its data was changed.`,
    );
  });

  it('say that all is well', async () => {
    const { code, out } = await taskmanager(['audit', 'verify'], {
      answers: ends('verify_history', whole),
    });
    expect(code).toBe(0);
    expect(out).toBe('✓ The history is whole: 12 events of 3 streams up to p.\n');
  });
});
