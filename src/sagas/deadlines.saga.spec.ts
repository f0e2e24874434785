import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LIMITS, type Timeouts } from '@taskmanager/protocol';
import { AcknowledgePause } from '../commands/acknowledge-pause.command.js';
import { ApproveTask } from '../commands/approve-task.command.js';
import { CancelTask } from '../commands/cancel-task.command.js';
import { CompleteTask } from '../commands/complete-task.command.js';
import { ClaimTask } from '../commands/internal/claim-task.command.js';
import { PauseTask } from '../commands/pause-task.command.js';
import { RenewLease } from '../commands/renew-lease.command.js';
import { RequestApproval } from '../commands/request-approval.command.js';
import { ResumeTask } from '../commands/resume-task.command.js';
import { StartTask } from '../commands/start-task.command.js';
import { BOB, NOW, TASK_ID } from '../../test/given.js';
import { DeadlinesSaga } from './deadlines.saga.js';
import { type Stage, openStage } from './sagas.fixture.js';

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(async () => {
  await stage.again();
  await stage.close();
});

const claim = (workerId = 'w1') =>
  stage.send(ClaimTask, { workerId, leaseMs: 5_000, claimId: 'claim' });
const work = (leaseEpoch: number) => stage.send(RenewLease, { workerId: 'w1', leaseEpoch });

test('the saga names the lease, or the clock and its deadline', () => {
  const saga = new DeadlinesSaga();
  const due = { dueAt: NOW, taskId: TASK_ID, revision: 1, attempt: 1 };
  expect(saga.expireLease({ ...due, kind: 'lease', leaseEpoch: 3 })).toEqual([
    { id: TASK_ID, leaseEpoch: 3 },
  ]);
  expect(saga.expireLease({ ...due, kind: 'lease' })).toEqual([]);
  expect(saga.expireClock({ ...due, kind: 'total' })).toEqual([
    { id: TASK_ID, clock: 'total', dueAt: NOW },
  ]);
});

describe('a lease that runs out', () => {
  beforeEach(() => stage.create({ runBy: 'worker' }));

  test('sends the task back, counts the stall, and the next lease has another epoch', async () => {
    await claim();
    await work(1);
    await stage.pass(5_000);
    expect(await stage.task()).toMatchObject({ status: 'pending', stallCount: 1, retryCount: 0 });
    await claim('w2');
    expect(await stage.task()).toMatchObject({ status: 'running', leaseEpoch: 2, attempt: 2 });
    expect(await stage.data('TaskLeaseExpired')).toEqual([
      { stallCount: 1, leaseEpoch: 1, workerId: 'w1' },
    ]);
  });

  test('what the old worker still sends is refused and recorded, before and after the next claim', async () => {
    await claim();
    await work(1);
    await stage.pass(5_000);
    const late = () => stage.send(CompleteTask, { workerId: 'w1', leaseEpoch: 1, result: 'late' });
    expect(await stage.refused(late())).toMatchObject({ code: 'LEASE_LOST' });
    await claim('w2');
    expect(await stage.refused(late())).toMatchObject({ code: 'LEASE_LOST' });
    const refusals = await stage.log.readStream(`refused-${TASK_ID}`);
    expect(refusals.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      expect.objectContaining({ command: 'complete_task', code: 'LEASE_LOST' }),
      expect.objectContaining({ command: 'complete_task', code: 'LEASE_LOST' }),
    ]);
    expect((await stage.task()).status).toBe('running');
  });

  test('one stall more than there may be fails the task, which is no failure to retry', async () => {
    for (let stalls = 1; stalls <= LIMITS.maxStalls + 1; stalls++) {
      await claim();
      await work(stalls);
      await stage.pass(5_000);
      const status = stalls > LIMITS.maxStalls ? 'failed' : 'pending';
      expect(await stage.task()).toMatchObject({ status, stallCount: stalls });
    }
    expect((await stage.types()).slice(-2)).toEqual(['TaskLeaseExpired', 'TaskFailed']);
    expect((await stage.task()).error).toContain('Stalled 4 times');
    expect(stage.timers(await stage.task())).toEqual([]);
  });

  test('a worker that renews keeps it, and the timer of the time before does nothing', async () => {
    await claim();
    const [timer] = stage.timers(await stage.task());
    await stage.pass(4_000);
    await work(1);
    await stage.pass(4_000);
    await stage.fire(timer!);
    expect(await stage.task()).toMatchObject({ status: 'running', leaseEpoch: 1, leased: true });
    await stage.pass(1_000);
    expect((await stage.task()).status).toBe('pending');
  });

  test('while paused ends the lease and is no stall; the task then resumes to the queue', async () => {
    await claim();
    await work(1);
    await stage.send(PauseTask);
    await stage.pass(60_000);
    expect(await stage.task()).toMatchObject({ status: 'paused', stallCount: 0, leased: false });
    await stage.send(ResumeTask);
    expect((await stage.task()).status).toBe('pending');
  });

  test('after a pause was acknowledged there is none to run out', async () => {
    await claim();
    await stage.send(PauseTask);
    await stage.send(AcknowledgePause, { workerId: 'w1', leaseEpoch: 1 });
    const { revision } = await stage.task();
    await stage.pass(60_000);
    expect((await stage.task()).revision).toBe(revision);
  });

  test('a cancelled task has none either', async () => {
    await claim();
    await stage.send(CancelTask);
    await stage.pass(60_000);
    expect((await stage.types()).at(-1)).toBe('TaskCancelled');
  });
});

describe('clocks', () => {
  const create = (timeouts: Timeouts, persistent = false) =>
    stage.create({ runBy: 'app', persistent, timeouts });
  const failures = async () => (await stage.data('TaskFailed')) as { error: string }[];

  test('queueMs fails what nobody starts', async () => {
    await create({ queueMs: 1_000 });
    await stage.pass(999);
    expect((await stage.task()).status).toBe('pending');
    await stage.pass(1);
    expect(await failures()).toMatchObject([{ retryable: false }]);
  });

  test('runMs fails a run, which a persistent task tries again, with its whole time', async () => {
    await create({ runMs: 3_000 }, true);
    await stage.send(StartTask);
    await stage.pass(4_000);
    expect(await failures()).toMatchObject([{ retryable: true, willRetry: true }]);
    expect(await stage.task()).toMatchObject({ status: 'pending', retryCount: 1 });
    await stage.send(StartTask);
    await stage.pass(2_999);
    expect((await stage.task()).status).toBe('running');
  });

  test('totalMs goes on over retries, and ends the task for good', async () => {
    await create({ runMs: 3_000, totalMs: 5_000 }, true);
    await stage.send(StartTask);
    await stage.pass(4_000);
    await stage.pass(1_000);
    expect((await failures()).map(({ error }) => error)).toEqual([
      'Ran longer than the 3000 ms allowed (runMs).',
      'Took longer than the 5000 ms allowed (totalMs).',
    ]);
    expect(stage.timers(await stage.task())).toEqual([]);
  });

  test('stop while the task is paused and go on with what was left', async () => {
    await create({ runMs: 3_000, totalMs: 5_000 });
    await stage.send(StartTask);
    await stage.pass(2_000);
    await stage.send(PauseTask);
    await stage.pass(1e9);
    expect((await stage.task()).status).toBe('paused');
    await stage.send(ResumeTask);
    await stage.pass(999);
    expect((await stage.task()).status).toBe('running');
    await stage.pass(1);
    expect(await failures()).toHaveLength(1);
  });

  test('that ran out while the service was down fail the task once', async () => {
    await create({ runMs: 3_000, totalMs: 5_000 });
    await stage.send(StartTask);
    await stage.pass(1e9, { down: true });
    expect(await failures()).toHaveLength(1);
  });

  test('runMs stands while the task waits for approval, totalMs does not', async () => {
    await create({ runMs: 3_000, totalMs: 8_000 });
    await stage.send(StartTask);
    await stage.pass(1_000);
    await stage.send(RequestApproval, {});
    await stage.pass(4_000);
    await stage.send(ApproveTask, {}, BOB);
    await stage.pass(1_999);
    expect((await stage.task()).status).toBe('running');
    await stage.pass(1);
    expect((await failures())[0]?.error).toContain('runMs');
  });

  test('totalMs ends a wait for approval and withdraws the question', async () => {
    await create({ totalMs: 8_000 });
    await stage.send(StartTask);
    await stage.send(RequestApproval, { remindEveryMs: 5_000 });
    await stage.pass(60_000);
    expect(await stage.task()).toMatchObject({
      status: 'failed',
      approval: { outcome: 'withdrawn' },
    });
    expect(stage.notices.sent.map(({ kind }) => kind)).toEqual(['requested', 'reminder']);
  });
});
