import { describe, expect, it } from '@jest/globals';
import { answer, TASK_ID, taskmanager } from './cli.js';

/** Tables in a terminal of the usual width, with the longest of what may stand in them. */

const JOB = '0190a5a0-0000-7000-8000-0000000000f0';
const job = {
  jobId: JOB,
  kind: 'rebuild_projection',
  state: 'interrupted',
  by: 'night-shift',
  args: {},
  startedAt: 0,
  endedAt: 90_061_000,
  error: 'its process ended',
};
const doing = (result: object) => ({ ...job, state: 'done', error: undefined, result });
const decided = { willRetry: true, delayMs: 90_000 };

const LISTS: readonly (readonly [string, readonly string[], Record<string, object>])[] = [
  ['jobs', ['job', 'list'], { list_jobs: { jobs: [job] } }],
  [
    'stuck tasks',
    ['task', 'stuck'],
    {
      list_stuck_tasks: {
        tasks: [
          {
            taskId: TASK_ID,
            status: 'waiting_for_approval',
            kind: 'parked_event',
            overdueMs: 90_061_000,
            reasons: [{ code: 'x', text: 'An event of it is parked, for its endpoint is away.' }],
          },
        ],
      },
    },
  ],
  [
    'parked events',
    ['parked', 'list'],
    {
      list_parked_events: {
        events: [
          {
            processor: 'webhook:billing',
            taskId: TASK_ID,
            revision: 100,
            type: 'TaskPauseAcknowledged',
            parkedAt: 0,
            wanted: 'discard',
            error: 'The endpoint answered 500 ten times',
          },
        ],
      },
    },
  ],
  [
    'differences',
    ['projection', 'verify', 'tasks'],
    {
      verify_projection: { jobId: JOB },
      get_job: doing({
        projection: 'tasks',
        ok: false,
        rows: 1,
        differences: [
          {
            taskId: TASK_ID,
            path: '/labels/team/name',
            view: 'something long here',
            log: 'something else here',
            text: 'The row says something else than the log',
          },
        ],
        differenceCount: 1,
      }),
    },
  ],
  [
    'decisions',
    ['policy', 'dry-run'],
    {
      dry_run_policy: { jobId: JOB },
      get_job: doing({
        failures: 1,
        unreadable: 0,
        changes: [
          {
            taskId: TASK_ID,
            taskType: 'clone_repository',
            appName: 'shop',
            revision: 100,
            at: 0,
            attempt: 3,
            recorded: decided,
            now: decided,
          },
        ],
        changeCount: 1,
      }),
    },
  ],
];

describe('In 80 columns', () => {
  it.each(LISTS)('%s fit', async (_, args, answers) => {
    const { out } = await taskmanager(args, {
      columns: 80,
      variables: { NO_COLOR: '1' },
      answers: Object.fromEntries(
        Object.entries(answers).map(([name, body]) => [name, answer(body)]),
      ),
    });
    const rows = out.split('\n').filter((line) => /^(JOB|TASK|PROCESSOR) |0190a5a0/.test(line));
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(rows.filter((row) => row.length > 80)).toEqual([]);
  });
});
