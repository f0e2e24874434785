import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ExplainAnswer, StuckTasksPage } from '@taskmanager/protocol';
import { v7 } from 'uuid';
import { Clock } from '../../context/index.js';
import type { ParkedEvent } from '../../event-store/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCancelled,
  TaskCompleted,
  TaskDeleted,
  TaskErrorRecorded,
  TaskFailed,
  taskStream,
  TaskPaused,
  TaskStarted,
} from '../../events/index.js';
import type { ProcessorRun, ProcessorStatus } from '../../processing/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { message, temporaryFolder, Views } from '../views.fixture.js';
import { ClaimWaiters } from './claim-waiters.js';
import { ExplainTask } from './explain-task.query.js';
import { ListStuckTasks } from './list-stuck-tasks.query.js';
import { TaskProjection } from './task.projection.js';

const DAY = 86_400_000;
const failed = new TaskFailed({ error: 'x', retryable: true, willRetry: true });

/** A processor that only says how it is doing. */
function processor(
  status: Pick<ProcessorStatus, 'name' | 'kind'> & Partial<ProcessorStatus>,
  parked: readonly ParkedEvent[] = [],
): ProcessorRun {
  const usual = { version: 1, state: 'live', paused: false, failures: 0, parked: 0 } as const;
  return {
    name: status.name,
    start: () => undefined,
    stop: () => Promise.resolve(),
    status: () => Promise.resolve([{ ...usual, ...status }]),
    setPaused: () => Promise.resolve(),
    parked: () => Promise.resolve(parked),
    release: () => Promise.resolve(0),
  };
}

let folder: ReturnType<typeof temporaryFolder>;
let tasks: TaskLog;
let views: Views;

beforeEach(async () => {
  folder = temporaryFolder();
  tasks = new TaskLog(new MemoryEventLog());
  views = await Views.over(tasks.log, folder.path('views.db'));
  await views.part(TaskProjection).whenServing(20_000);
  // It is as late as the last event.
  views.part(Clock).now = () => tasks.now;
});
afterEach(async () => {
  await views.close();
  folder.remove();
});

/** Beside those there are. */
function withProcessors(...more: readonly ProcessorRun[]): void {
  const runs = views.runner.runs.bind(views.runner);
  views.runner.runs = () => [...runs(), ...more];
}
const parkedEvent = (processor: string, taskId: string): ParkedEvent => ({
  processor,
  stream: taskStream(taskId),
  position: tasks.stored.at(-1)!.position,
  eventId: v7(),
  revision: 1,
  type: 'TaskFailed',
  error: 'cannot read properties of undefined',
  attempts: 8,
  parkedAt: tasks.now,
});
const claim = (leaseMs: number) =>
  new TaskStarted({
    attempt: 1,
    workerId: 'w',
    leaseEpoch: 1,
    leaseExpiresAt: tasks.now + leaseMs,
  });

describe('explain_task', () => {
  const explain = (id: string, apps?: readonly string[]) =>
    views.ask<ExplainAnswer>(message(ExplainTask, { id }), apps ? { apps } : {});
  const codes = async (id: string) => (await explain(id)).reasons.map(({ code }) => code);

  it('sees what was appended just now, and answers with the status of the log', async () => {
    const id = await tasks.create();
    expect(await explain(id)).toMatchObject({
      taskId: id,
      status: 'pending',
      reasons: [{ code: 'waits_for_app', by: 'app' }],
    });
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    expect(await explain(id)).toMatchObject({
      status: 'running',
      reasons: [{ code: 'run_by_app' }],
    });
    await tasks.append(id, new TaskCompleted({}));
    expect(await explain(id)).toMatchObject({
      status: 'completed',
      reasons: [{ code: 'completed' }],
    });
  });

  it('knows nothing of unknown and deleted tasks and those of other apps', async () => {
    const gone = await tasks.create();
    await tasks.append(gone, new TaskCancelled({}), new TaskDeleted({}));
    const other = await tasks.create();
    const notFound = { code: 'TASK_NOT_FOUND' };
    await expect(explain(v7())).rejects.toMatchObject(notFound);
    await expect(explain(gone)).rejects.toMatchObject(notFound);
    await expect(explain(other, ['mine'])).rejects.toMatchObject(notFound);
    expect((await explain(other, ['app'])).taskId).toBe(other);
  });

  it('says whether workers wait for its type, and how many tasks come before it', async () => {
    const first = await tasks.create({ runBy: 'worker', taskType: 'clone' });
    await tasks.create({ runBy: 'worker', taskType: 'clone', priority: 5 });
    await tasks.create({ runBy: 'worker', taskType: 'index', priority: 5 });
    const [reason] = (await explain(first)).reasons;
    expect(reason).toMatchObject({ code: 'no_worker' });
    expect(reason?.text).toMatch(/clone.* 1 task\(s\) of its type come before it/);
    const { queue } = views.part(TaskProjection).current!;
    const gone = new AbortController();
    const wish = { taskTypes: ['clone'] };
    const waiting = views.part(ClaimWaiters).wait(wish, 20_000, queue, gone.signal);
    await views.part(ClaimWaiters).wait({ ...wish, apps: ['other'] }, 0, queue);
    expect((await explain(first)).reasons[0]).toMatchObject({
      code: 'waits_for_worker',
      text: expect.stringContaining('1 wait(s)'),
    });
    gone.abort();
    await waiting;
  });

  it('names who paused it and why, however much was noted since', async () => {
    const id = await tasks.create();
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    await tasks.appendBy(
      'ann',
      id,
      new TaskPaused({ statusBefore: 'running', remaining: {}, reason: 'lunch' }),
    );
    for (let n = 0; n < 250; n++) await tasks.append(id, new TaskErrorRecorded({ error: `${n}` }));
    const { reasons } = await explain(id);
    expect(reasons.map(({ code, by }) => [code, by])).toEqual([
      ['paused', 'ann'],
      ['pause_not_acknowledged', 'app'],
    ]);
    expect(reasons[0]?.text).toContain('by ann: "lunch"');
  });

  it('gives up looking for who paused it when that lies far back', async () => {
    const id = await tasks.create();
    await tasks.append(id, new TaskPaused({ statusBefore: 'pending', remaining: {} }));
    const notes = Array.from({ length: 1_100 }, () => new TaskErrorRecorded({ error: 'x' }));
    await tasks.append(id, ...notes);
    const [reason] = (await explain(id)).reasons;
    expect(reason).toMatchObject({ code: 'paused' });
    expect(reason).not.toHaveProperty('by');
  });

  it('names parked events in any processor, and how to have them handled', async () => {
    const id = await tasks.create({ persistent: true });
    await tasks.append(id, new TaskStarted({ attempt: 1 }), failed);
    const other = await tasks.create();
    withProcessors(
      processor({ name: 'webhook:billing', kind: 'publisher' }, [
        parkedEvent('webhook:billing', other),
        parkedEvent('webhook:billing', id),
      ]),
    );
    const [reason] = (await explain(id)).reasons;
    expect(reason).toMatchObject({ code: 'parked_event', by: 'webhook:billing' });
    expect(reason?.text).toContain('could not handle TaskFailed (revision 1) after 8 attempt(s)');
    expect(reason?.text).toContain(
      'tasks.admin.retry_parked_events { processor: "webhook:billing", taskId }',
    );
  });

  it('says that the processor which has to move it on is paused or fails, and only that one', async () => {
    const waitsForSaga = await tasks.create({ persistent: true });
    await tasks.append(waitsForSaga, new TaskStarted({ attempt: 1 }), failed);
    const waitsForTime = await tasks.create({ timeouts: { totalMs: DAY } });
    const waitsForNone = await tasks.create();
    withProcessors(
      processor({ name: 'retry', kind: 'saga', paused: true }),
      processor({
        ...{ name: 'timers', kind: 'timers', state: 'retrying', failures: 3 },
        lastError: { message: 'log away', at: 0 },
      }),
      processor({ name: 'nats', kind: 'publisher', paused: true }),
    );
    expect(await codes(waitsForSaga)).toEqual(['processor_paused', 'retry_not_scheduled']);
    expect(await codes(waitsForTime)).toEqual(['processor_failing', 'waits_for_app', 'clock']);
    expect((await explain(waitsForTime)).reasons[0]?.text).toContain('"log away"');
    expect(await codes(waitsForNone)).toEqual(['waits_for_app']);
  });

  it('says that a timer is late, and that nobody here runs timers', async () => {
    const id = await tasks.create({ runBy: 'worker' });
    await tasks.append(id, claim(1_000));
    withProcessors(processor({ name: 'timers', kind: 'timers', state: 'standby' }));
    expect(await codes(id)).toEqual(['leased']);
    tasks.now += 2_000;
    expect(await codes(id)).toEqual(['lease_over']);
    tasks.now += 8_000;
    expect(await codes(id)).toEqual(['timer_overdue', 'no_owner', 'lease_over']);
    const [late] = (await explain(id)).reasons;
    expect(late?.text).toMatch(/^Its lease timer was due at .*, 9 s ago, and has not moved it\.$/);
  });

  it('says that the view is behind, and what is wrong with it', async () => {
    const id = await tasks.create();
    await views.reach((await tasks.log.head())!);
    for (const run of views.runner.runs()) await run.stop();
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    const unseen = await tasks.create();
    withProcessors(processor({ name: 'tasks', kind: 'projection', paused: true }));
    const { status, reasons } = await explain(id);
    expect(status).toBe('running');
    expect(reasons.map(({ code }) => code)).toEqual([
      'projection_behind',
      'processor_paused',
      'waits_for_app',
    ]);
    expect(reasons[0]?.text).toContain(
      'The log has revision 1 of this task; the task view shows it as of revision 0',
    );
    expect(await codes(unseen)).toEqual(['projection_behind', 'processor_paused']);
  });
});

describe('list_stuck_tasks', () => {
  const stuck = (fields: Partial<ListStuckTasks> = {}, apps?: readonly string[]) =>
    views.ask<StuckTasksPage>(message(ListStuckTasks, fields), apps ? { apps } : {});

  /** All of it, in pages of this size. */
  async function all(limit: number, apps?: readonly string[]): Promise<[string, string][]> {
    const found: [string, string][] = [];
    let cursor: string | undefined;
    do {
      const page = await stuck({ limit, ...(cursor !== undefined && { cursor }) }, apps);
      expect(page.tasks.length).toBeLessThanOrEqual(limit);
      found.push(...page.tasks.map(({ taskId, kind }) => [taskId, kind] as [string, string]));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  it('lists what is overdue by more than the grace, the longest overdue first, and why', async () => {
    const lost = await tasks.create({ runBy: 'worker', taskType: 'clone' });
    await tasks.append(lost, claim(1_000));
    const unscheduled = await tasks.create({ persistent: true });
    await tasks.append(unscheduled, new TaskStarted({ attempt: 1 }), failed);
    await tasks.create({ timeouts: { totalMs: DAY } });
    await views.reach((await tasks.log.head())!);
    tasks.now += 9_000;
    expect((await stuck()).tasks).toEqual([]);
    tasks.now += 2_000;
    expect(await all(10)).toEqual([
      [unscheduled, 'retry_schedule'],
      [lost, 'lease'],
    ]);
    const [, task] = (await stuck()).tasks;
    expect(task).toMatchObject({
      taskId: lost,
      taskType: 'clone',
      appName: 'app',
      status: 'running',
    });
    expect(task!.overdueMs).toBe(tasks.now - task!.dueAt);
    expect(task!.reasons.map(({ code }) => code)).toEqual(['timer_overdue', 'lease_over']);
    expect(await all(10)).toEqual(await all(1));
    expect((await stuck({ graceMs: 60_000 })).tasks).toEqual([]);
    expect((await stuck({ graceMs: 0 })).tasks).toHaveLength(2);
  });

  it('lists tasks with parked events behind them, each task once, deleted ones too', async () => {
    const late: string[] = [];
    for (let n = 0; n < 5; n++) {
      const id = await tasks.create({ timeouts: { totalMs: 100 } });
      late.push(id);
    }
    const quiet = await tasks.create();
    const deleted = await tasks.create();
    await tasks.append(deleted, new TaskCancelled({}), new TaskDeleted({}));
    const other = await tasks.create({ appName: 'other' });
    await views.reach((await tasks.log.head())!);
    withProcessors(
      processor({ name: 'nats', kind: 'publisher' }, [
        parkedEvent('nats', late[2]!),
        parkedEvent('nats', deleted),
        parkedEvent('nats', other),
        parkedEvent('nats', quiet),
      ]),
      processor({ name: 'webhook:x', kind: 'publisher' }, [parkedEvent('webhook:x', quiet)]),
    );
    tasks.now += 60_000;
    const overdue = late.map((id): [string, string] => [id, 'total']);
    const parked = [quiet, deleted, other]
      .sort()
      .map((id): [string, string] => [id, 'parked_event']);
    for (const limit of [1, 2, 5, 100]) expect(await all(limit)).toEqual([...overdue, ...parked]);
    expect(await all(3, ['app'])).toEqual([...overdue, ...parked.filter(([id]) => id !== other)]);
    const { tasks: found } = await stuck();
    expect(found.find(({ taskId }) => taskId === late[2])?.reasons[0]?.code).toBe('parked_event');
    expect(found.find(({ taskId }) => taskId === quiet)).toMatchObject({
      status: 'pending',
      overdueMs: 60_000,
      reasons: [{ by: 'nats' }, { by: 'webhook:x' }, { code: 'waits_for_app' }],
    });
    expect(found.find(({ taskId }) => taskId === deleted)?.status).toBe('deleted');
  });

  it('stops before the answer outgrows its bytes, and goes on from there', async () => {
    const comment = 'é'.repeat(4_000);
    const approvers = Array.from({ length: 100 }, (_, n) => `${n}`.padStart(256, '漢'));
    for (let n = 0; n < 60; n++) {
      const id = await tasks.create();
      const dueAt = tasks.now + 5;
      const asked = { approvers, quorum: 1, allowSelf: true, onApproved: 'resume', dueAt } as const;
      await tasks.append(
        id,
        new TaskStarted({ attempt: 1 }),
        new TaskApprovalRequested({ ...asked, comment }),
      );
    }
    await views.reach((await tasks.log.head())!);
    tasks.now += 60_000;
    const page = await stuck({ limit: 500 });
    expect(page.nextCursor).toBeDefined();
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(800 * 1_024);
    expect(await all(500)).toHaveLength(60);
  });

  it.each([
    'x',
    'e30',
    Buffer.from('[1,2]').toString('base64url'),
    Buffer.from('null').toString('base64url'),
  ])('refuses the cursor %s, which is none of its own', async (cursor) => {
    await views.reach(
      await tasks.append(await tasks.create(), new ProgressUpdated({ progress: 1 })),
    );
    await expect(stuck({ cursor })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});
