import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ADMIN_NAMES } from '@taskmanager/protocol';
import { FrameServer } from '../test/frame-server.js';
import { TaskManager } from './index.js';

const TASK = '019a5f0e-7c1d-7e50-9a52-0f5c3a2f7c11';

let server: FrameServer;
let client: TaskManager;

beforeEach(async () => {
  server = await FrameServer.start(({ pattern }) => ({ response: { pattern } }));
  client = await TaskManager.connect({ transport: 'tcp', port: server.port, token: 'secret' });
});

afterEach(async () => {
  await client.close({ waitMs: 0 });
  await server.stop();
});

/** The only request so far: its subject, its fields and what stands beside them. */
function request() {
  expect(server.received).toHaveLength(1);
  const [{ pattern, data } = { pattern: '', data: {} }] = server.received;
  const { meta, ...fields } = data as { meta: object };
  return { pattern, fields, meta };
}

type Make = (admin: TaskManager['admin']) => Promise<unknown>;

const CALLS: readonly [name: string, call: Make, fields: object][] = [
  ['list_processors', (admin) => admin.listProcessors(), {}],
  [
    'pause_processor',
    (admin) => admin.pauseProcessor('retry', 'moving'),
    { name: 'retry', reason: 'moving' },
  ],
  ['resume_processor', (admin) => admin.resumeProcessor('retry'), { name: 'retry' }],
  ['list_parked_events', (admin) => admin.listParkedEvents(), {}],
  [
    'retry_parked_events',
    (admin) => admin.retryParkedEvents('retry', TASK),
    { processor: 'retry', taskId: TASK },
  ],
  [
    'discard_parked_events',
    (admin) => admin.discardParkedEvents('retry', TASK, { reason: 'sent by hand' }),
    { processor: 'retry', taskId: TASK, reason: 'sent by hand' },
  ],
  ['list_endpoints', (admin) => admin.listEndpoints(), {}],
  ['list_stuck_tasks', (admin) => admin.listStuckTasks({ limit: 3 }), { limit: 3 }],
  [
    'pause_task_type',
    (admin) => admin.pauseTaskType('clone', 'moving'),
    { taskType: 'clone', reason: 'moving' },
  ],
  ['resume_task_type', (admin) => admin.resumeTaskType('clone'), { taskType: 'clone' }],
  [
    'limit_task_type',
    (admin) => admin.limitTaskType('clone', null),
    { taskType: 'clone', maxRunning: null },
  ],
  ['list_task_types', (admin) => admin.listTaskTypes({ limit: 3 }), { limit: 3 }],
  ['get_job', (admin) => admin.getJob(TASK), { jobId: TASK }],
  ['list_jobs', (admin) => admin.listJobs({ states: ['done'] }), { states: ['done'] }],
  ['abort_job', (admin) => admin.abortJob(TASK, 'too slow'), { jobId: TASK, reason: 'too slow' }],
  ['verify_history', (admin) => admin.verifyHistory({ id: TASK }), { id: TASK }],
  ['seal_history', (admin) => admin.sealHistory(), {}],
  [
    'rebuild_projection',
    (admin) => admin.rebuildProjection('tasks', { keepOld: false }),
    { projection: 'tasks', keepOld: false },
  ],
  ['verify_projection', (admin) => admin.verifyProjection('tasks'), { projection: 'tasks' }],
  [
    'drop_projection_builds',
    (admin) => admin.dropProjectionBuilds('tasks'),
    { projection: 'tasks' },
  ],
  [
    'dry_run_projection',
    (admin) => admin.dryRunProjection('tasks', { to: '0000abcd:00000000000000000009' }),
    { projection: 'tasks', to: '0000abcd:00000000000000000009' },
  ],
  ['dry_run_policy', (admin) => admin.dryRunPolicy({ maxRetries: 5 }), { maxRetries: 5 }],
  ['backup', (admin) => admin.backup('before-upgrade'), { name: 'before-upgrade' }],
  [
    'import_task',
    (admin) => admin.importTaskEvents({ taskId: TASK, fromLog: '0000abcd', events: [] }),
    { taskId: TASK, fromLog: '0000abcd', events: [] },
  ],
  ['log_stats', (admin) => admin.logStats(), {}],
];

describe('admin', () => {
  it('has a method for each admin message', () => {
    expect(CALLS.map(([name]) => name)).toEqual([...ADMIN_NAMES]);
  });

  it.each(CALLS)('sends %s', async (name, call, fields) => {
    const pattern = `tasks.admin.${name}`;
    expect(await call(client.admin)).toEqual({ pattern });
    expect(request()).toEqual({
      pattern,
      fields,
      meta: expect.objectContaining({ token: 'secret' }),
    });
  });

  it('gives what changes something an id of its own, and what only looks none', async () => {
    await client.admin.pauseProcessor('retry');
    await client.admin.listProcessors();
    const [pause, list] = server.received.map(({ data }) => data.meta);
    expect(pause).toHaveProperty('commandId');
    expect(list).not.toHaveProperty('commandId');
  });

  it('leaves out what was not given, and takes the options of every call', async () => {
    const correlationId = 'trace-1';
    await client.admin.retryParkedEvents('retry', undefined, { correlationId });
    expect(request()).toMatchObject({ fields: { processor: 'retry' }, meta: { correlationId } });
    expect(request().fields).not.toHaveProperty('taskId');
  });

  it('rejects with the service’s own error', async () => {
    server.answer = () => ({
      err: { code: 'FORBIDDEN', message: 'no admin', correlationId: 'c' },
    });
    await expect(client.admin.listProcessors()).rejects.toMatchObject({
      name: 'TaskManagerError',
      code: 'FORBIDDEN',
      message: 'no admin',
    });
  });
});

it('explainTask asks for the reasons of one task', async () => {
  await client.explainTask(TASK);
  expect(request()).toMatchObject({ pattern: 'tasks.query.explain_task', fields: { id: TASK } });
});
