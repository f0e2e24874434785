import { describe, expect, it } from '@jest/globals';
import { answer, type Setting, TASK_ID, taskmanager } from '../../test/cli.js';
import { progressLine } from './progress-line.js';

const JOB = '0190a5a0-0000-7000-8000-0000000000f0';
const job = (fields: object) =>
  answer({ jobId: JOB, kind: 'x', by: 'ann', args: {}, startedAt: 1_700_000_000_000, ...fields });
const running = job({
  state: 'running',
  progress: { step: 'fold', done: 5, total: 10, unit: 'events' },
});

/** The job that a message starts runs for a moment and is over with this result. */
const ends = (message: string, result: unknown): Setting => ({
  answers: {
    [message]: answer({ jobId: JOB }),
    get_job: [running, job({ state: 'done', result })],
  },
});

const agrees = {
  projection: 'tasks',
  generation: 3,
  ok: true,
  rows: 50_000,
  differences: [],
  differenceCount: 0,
};
const differs = {
  ...agrees,
  ok: false,
  differences: [
    {
      text: 'the status differs',
      taskId: TASK_ID,
      path: '/status',
      view: 'paused',
      log: 'running',
    },
  ],
  differenceCount: 3,
};

describe('how far a job is', () => {
  it('is a bar with counts, a rate and an estimate', () => {
    const progress = {
      step: 'fold',
      done: 450_000,
      total: 1_000_000,
      unit: 'events',
      rate: 12_000,
      leftMs: 46_000,
    };
    expect(progressLine('rebuild projection', progress)).toBe(
      'rebuild projection: fold  ██████████░░░░░░░░░░░░░░  45 %  450,000 of 1,000,000 events  12,000/s  46s left',
    );
  });

  it.each([
    [100, 'rebuild projection: fold  ████████░░░░░░░░░░  45 %'],
    [90, 'rebuild projection: fold  ██░░░░  45 %'],
    [80, 'fold  ████████░░░░░░░░░░  45 %'],
    [50, 'fold  45 %  450,000 of 1,000,000 events  12,000/s '],
  ])('fits a terminal of %d columns', (columns, beginning) => {
    const progress = {
      ...{ step: 'fold', done: 450_000, total: 1_000_000, unit: 'events' },
      ...{ rate: 12_000, leftMs: 46_000 },
    };
    const line = progressLine('rebuild projection', progress, columns);
    expect(line.length).toBeLessThanOrEqual(columns);
    expect(line.startsWith(beginning)).toBe(true);
  });

  it('says what is known', () => {
    expect(progressLine('export', { done: 3, unit: 'events' })).toBe('export  3 events');
    expect(progressLine('backup', { done: 1_572_864, total: 3_145_728, unit: 'bytes' })).toBe(
      'backup  ████████████░░░░░░░░░░░░  50 %  1.5 MiB of 3.0 MiB',
    );
    expect(progressLine('verify', { done: 0, total: 0, unit: 'tasks' })).toContain(
      '100 %  0 of 0 tasks',
    );
  });
});

describe('projection verify', () => {
  it('follows the job and ends with 0 when the view agrees with the log', async () => {
    const { code, out, asked } = await taskmanager(
      ['projection', 'verify', 'tasks'],
      ends('verify_projection', agrees),
    );
    expect(code).toBe(0);
    expect(out).toBe('✓ tasks agrees with the log: 50,000 rows compared.\n');
    expect(asked.map(({ subject }) => subject)).toEqual([
      'tasks.admin.verify_projection',
      'tasks.admin.get_job',
      'tasks.admin.get_job',
    ]);
  });

  it('ends with 3 and lists what differs', async () => {
    const { code, out } = await taskmanager(
      ['projection', 'verify', 'tasks'],
      ends('verify_projection', differs),
    );
    expect(code).toBe(3);
    expect(out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      '✗ tasks differs from the log in 3 places: 50,000 rows compared.',
      'TASK | FIELD | VIEW | LOG | WHAT',
      `${TASK_ID} | /status | "paused" | "running" | the status differs`,
      '… and 2 more.',
      '',
    ]);
  });

  it('answers its result as JSON', async () => {
    const { code, out } = await taskmanager(
      ['projection', 'verify', 'tasks', '--json'],
      ends('verify_projection', differs),
    );
    expect({ code, result: JSON.parse(out) as unknown }).toEqual({ code: 3, result: differs });
  });

  it('ends with 1 and says why when the job fails', async () => {
    const answers = {
      verify_projection: answer({ jobId: JOB }),
      get_job: job({ state: 'failed', error: 'the disk is full' }),
    };
    const { code, err } = await taskmanager(['projection', 'verify', 'tasks'], { answers });
    expect(code).toBe(1);
    expect(err).toContain('has failed: the disk is full');
  });

  it('only starts the job when that is wanted', async () => {
    const { out, asked } = await taskmanager(
      ['projection', 'verify', 'tasks', '--no-wait'],
      ends('verify_projection', agrees),
    );
    expect(out).toBe(`${JOB}\n`);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('leaves the job to itself on %s, and says how to follow or end it', async (signal, code) => {
    const stopping = new AbortController();
    const ended = await taskmanager(['projection', 'verify', 'tasks'], {
      signal: stopping.signal,
      answers: {
        verify_projection: answer({ jobId: JOB }),
        get_job: () => {
          setTimeout(() => stopping.abort(signal), 20);
          return running;
        },
      },
    });
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(`taskmanager job get ${JOB} --follow`);
    expect(ended.err).toContain(`taskmanager job abort ${JOB}`);
    expect(ended.asked.map(({ subject }) => subject)).not.toContain('tasks.admin.abort_job');
  });
});

describe('projection rebuild, dry-run and drop', () => {
  it('rebuilds, keeps the old build, and says what serves', async () => {
    const { code, out, asked } = await taskmanager(
      ['projection', 'rebuild', 'tasks'],
      ends('rebuild_projection', { ...agrees, events: 1_000_000, kept: 2 }),
    );
    expect(code).toBe(0);
    expect(out).toBe(
      'Build 3 serves, made of 1,000,000 events. Build 2 is kept: taskmanager projection drop.\n✓ tasks agrees with the log: 50,000 rows compared.\n',
    );
    expect(asked[0]).toMatchObject({ fields: { projection: 'tasks', keepOld: true } });
  });

  it.each([[['rebuild', 'tasks', '--no-keep-old']], [['drop', 'tasks']]])(
    'asks before %j, which drops what cannot be had back',
    async (args) => {
      const { code, asked } = await taskmanager(['projection', ...args]);
      expect({ code, asked }).toEqual({ code: 2, asked: [] });
    },
  );

  it('lists events that the present code cannot take', async () => {
    const failure = {
      taskId: TASK_ID,
      revision: 4,
      position: 'p',
      type: 'TaskPaused',
      error: 'no status',
    };
    const report = { projection: 'tasks', events: 9, tasks: 1, ok: false, failures: [failure] };
    const { code, out, asked } = await taskmanager(
      ['projection', 'dry-run', 'tasks', '--from', 'a', '--to', 'b'],
      ends('dry_run_projection', {
        ...report,
        failureCount: 1,
        differences: [],
        differenceCount: 0,
      }),
    );
    expect(code).toBe(3);
    expect(out).toMatch(new RegExp(`${TASK_ID} +4 +TaskPaused +no status`));
    expect(asked[0]).toMatchObject({ fields: { projection: 'tasks', from: 'a', to: 'b' } });
  });
});

describe('policy dry-run', () => {
  it('sends the policy and lists the decisions that change', async () => {
    const change = {
      ...{
        taskId: TASK_ID,
        taskType: 'clone',
        appName: 'shop',
        revision: 4,
        at: 1_700_000_000_000,
        attempt: 1,
      },
      ...{ recorded: { willRetry: true, delayMs: 1_000 }, now: { willRetry: false } },
    };
    const { code, out, asked } = await taskmanager(
      [
        ...['policy', 'dry-run', '-t', 'clone', '--max-retries', '0', '--delay', '5s'],
        ...['--backoff', 'exponential', '--max-delay', '10m'],
      ],
      ends('dry_run_policy', { failures: 12, unreadable: 0, changes: [change], changeCount: 1 }),
    );
    expect(code).toBe(3);
    expect(out).toContain('12 recorded failures, 1 would be decided otherwise.');
    expect(out).toMatch(/retry in 1s +no retry/);
    expect(asked[0]).toEqual({
      subject: 'tasks.admin.dry_run_policy',
      fields: {
        taskTypes: ['clone'],
        maxRetries: 0,
        retryDelayMs: 5_000,
        backoff: { type: 'exponential', maxDelayMs: 600_000 },
      },
    });
  });

  it.each([
    ['0 when nothing would change', 0, 0],
    ['3 when some failures cannot be decided again, and says how many', 2, 3],
  ])('ends with %s', async (_, unreadable, exitCode) => {
    const same = { failures: 12, unreadable, changes: [], changeCount: 0 };
    const { code, out } = await taskmanager(['policy', 'dry-run'], ends('dry_run_policy', same));
    expect(code).toBe(exitCode);
    expect(out.includes('2 could not be decided again')).toBe(unreadable > 0);
  });
});

describe('job', () => {
  it('lists jobs of some states', async () => {
    const one = {
      jobId: JOB,
      kind: 'backup',
      state: 'done',
      by: 'ann',
      args: {},
      startedAt: 0,
      endedAt: 61_000,
    };
    const { out, asked } = await taskmanager(['job', 'list', '--state', 'done,failed'], {
      answers: { list_jobs: answer({ jobs: [one] }) },
    });
    expect(out).toMatch(new RegExp(`${JOB} +backup +done +ann .* +1m 1s`));
    expect(asked[0]?.fields).toEqual({ states: ['done', 'failed'], limit: 50 });
  });

  it('follows a job to its end, and ends with 1 when that is not a good one', async () => {
    const answers = { get_job: [running, job({ state: 'aborted', error: 'ann aborted it' })] };
    const { code, out } = await taskmanager(['job', 'get', JOB, '--follow'], { answers });
    expect(code).toBe(1);
    expect(out).toContain('ann aborted it');
  });

  it('ends one', async () => {
    const { asked } = await taskmanager(['job', 'abort', JOB, '-r', 'too slow'], {
      answers: { abort_job: job({ state: 'aborted' }) },
    });
    expect(asked).toEqual([
      { subject: 'tasks.admin.abort_job', fields: { jobId: JOB, reason: 'too slow' } },
    ]);
  });

  it('tells of a backup where it lies, and that it was verified', async () => {
    const { out } = await taskmanager(
      ['backup', 'monday'],
      ends('backup', { directory: '/b/monday', bytes: 2_048, events: 12, position: 'p' }),
    );
    expect(out).toBe(
      'It is in /b/monday on the service’s machine: 2.0 KiB.\nVerified: 12 events up to p.\n',
    );
  });
});
