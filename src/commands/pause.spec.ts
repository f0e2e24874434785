import { describe, expect, test } from '@jest/globals';
import {
  ProgressUpdated,
  TaskApprovalRequested,
  TaskCompleted,
  TaskLeaseExpired,
  TaskPauseAcknowledged,
  TaskPaused,
  TaskReleased,
  TaskResumed,
} from '../events/index.js';
import { HOLDER, NOW, claimed, created, given, started, taskAfter } from '../../test/given.js';
import { AcknowledgePauseHandler } from './acknowledge-pause.handler.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { PauseRunningTaskHandler } from './internal/pause-running-task.handler.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { RequestApprovalHandler } from './request-approval.handler.js';
import { ResumeTaskHandler } from './resume-task.handler.js';
import { UpdateTaskProgressHandler } from './update-task-progress.handler.js';

const pause = new PauseTaskHandler(undefined as never);
const pauseRunning = new PauseRunningTaskHandler(undefined as never, pause);
const resume = new ResumeTaskHandler(undefined as never);
const acknowledge = new AcknowledgePauseHandler(undefined as never);
const progress = new UpdateTaskProgressHandler(undefined as never);
const complete = new CompleteTaskHandler(undefined as never);
const ask = new RequestApprovalHandler(undefined as never);

const clocked = created({ timeouts: { queueMs: 1_000, runMs: 2_000, totalMs: 9_000 } });
const paused = new TaskPaused({ statusBefore: 'running', remaining: {} });
const resumed = new TaskResumed({ deadlines: {} });
const LATER = { now: NOW + 400 };

describe('pausing', () => {
  test('a pending task keeps what was left of its queue and total clocks', () => {
    const task = given(clocked)
      .when(pause, { reason: 'night' }, LATER)
      .then(
        new TaskPaused({
          reason: 'night',
          statusBefore: 'pending',
          remaining: { queueMs: 600, totalMs: 8_600 },
        }),
      );
    expect(task).toMatchObject({ status: 'paused', pausedAt: LATER.now, deadlines: {} });
  });

  test('a running one what was left of its run and total clocks; one that is out has 0 left', () => {
    given(clocked, started())
      .when(pause, {}, { now: NOW + 2_500 })
      .then(new TaskPaused({ statusBefore: 'running', remaining: { runMs: 0, totalMs: 6_500 } }));
  });

  test('twice, or where nothing runs or waits, is refused', () => {
    given(created(), started(), paused).when(pause, {}).thenRefused('INVALID_TRANSITION');
    given(created(), started(), new TaskCompleted({}))
      .when(pause, {})
      .thenRefused('INVALID_TRANSITION', { status: 'completed' });
  });

  test('of everything that runs leaves alone what does not run any more', () => {
    given(created(), started()).when(pauseRunning, {}).then(paused);
    given(created()).when(pauseRunning, {}).thenNothing();
    given(created(), started(), paused).when(pauseRunning, {}).thenNothing();
    given(created(), started(), new TaskCompleted({})).when(pauseRunning, {}).thenNothing();
  });
});

describe('resuming', () => {
  test('goes back to where it was with what was left, however long the pause', () => {
    const pausedTask = new TaskPaused({
      statusBefore: 'running',
      remaining: { runMs: 1_600, totalMs: 8_600 },
    });
    const now = NOW + 1_000_000;
    const task = given(clocked, started(), pausedTask)
      .when(resume, { reason: 'day' }, { now })
      .then(
        new TaskResumed({
          deadlines: { runDueAt: now + 1_600, totalDueAt: now + 8_600 },
          reason: 'day',
        }),
      );
    expect(task).toMatchObject({ status: 'running', remaining: {}, attempt: 1 });
    expect(task.pausedAt).toBeUndefined();
  });

  test('to pending when the lease ended meanwhile, and then it queues anew', () => {
    const whileRunning = new TaskPaused({ statusBefore: 'running', remaining: { runMs: 5 } });
    const expired = new TaskLeaseExpired({ stallCount: 0, leaseEpoch: 1 });
    for (const end of [new TaskPauseAcknowledged({}), expired]) {
      const task = given(clocked, claimed(), whileRunning, end)
        .when(resume, {}, LATER)
        .then(new TaskResumed({ deadlines: { queueDueAt: LATER.now + 1_000 } }));
      expect(task).toMatchObject({ status: 'pending', leased: false });
      expect(task.workerId).toBeUndefined();
    }
  });

  test('a lease that still holds goes on', () => {
    const task = given(created(), claimed(), paused).when(resume, {}).then(resumed);
    expect(task).toMatchObject({ status: 'running', leased: true, leaseEpoch: 1 });
  });

  test('needs a pause', () => {
    given(created(), started()).when(resume, {}).thenRefused('INVALID_TRANSITION');
  });
});

describe('until the runner has acknowledged a pause', () => {
  test('its progress, its questions and its completion are taken', () => {
    given(created(), started(), paused)
      .when(progress, { progress: 5 })
      .then(new ProgressUpdated({ progress: 5 }));
    const task = given(created(), started(), paused).when(complete, {}).then(new TaskCompleted({}));
    expect(task.pausedAt).toBeUndefined();
    given(created({ timeouts: { totalMs: 900 } }), started(), paused)
      .when(ask, {})
      .then(
        new TaskApprovalRequested({
          approvers: [],
          quorum: 1,
          allowSelf: true,
          onApproved: 'resume',
        }),
      );
  });

  test('afterwards they are refused, and so they are for a task paused before it ran', () => {
    const acknowledged = new TaskPauseAcknowledged({});
    const before = new TaskPaused({ statusBefore: 'pending', remaining: {} });
    for (const history of [
      [created(), started(), paused, acknowledged],
      [created(), before],
    ] as const) {
      given(...history)
        .when(progress, { progress: 5 })
        .thenRefused('INVALID_TRANSITION');
      given(...history)
        .when(complete, {})
        .thenRefused('INVALID_TRANSITION');
      given(...history)
        .when(ask, {})
        .thenRefused('INVALID_TRANSITION');
    }
  });

  test('the total clock goes on while a paused task waits for approval', () => {
    const task = taskAfter(
      created({ timeouts: { totalMs: 900, runMs: 300 } }),
      started(),
      new TaskPaused({ statusBefore: 'running', remaining: { totalMs: 800, runMs: 200 } }),
      new TaskApprovalRequested({
        approvers: [],
        quorum: 1,
        allowSelf: true,
        onApproved: 'resume',
      }),
    );
    expect(task.deadlines).toEqual({ totalDueAt: NOW + 800 });
    expect(task.remaining).toEqual({ runMs: 200 });
  });
});

describe('acknowledging', () => {
  test('an app does it without a lease and stays the runner', () => {
    const task = given(created(), started(), paused)
      .when(acknowledge, { checkpoint: 9 })
      .then(new TaskPauseAcknowledged({ checkpoint: 9 }));
    expect(task).toMatchObject({ pauseAcknowledged: true, statusBefore: 'running', checkpoint: 9 });
  });

  test('a worker gives its lease back with it', () => {
    const task = given(created(), claimed(), paused)
      .when(acknowledge, HOLDER)
      .then(new TaskPauseAcknowledged({}));
    expect(task).toMatchObject({ leased: false, statusBefore: 'pending', pauseAcknowledged: true });
    // Who ran it last is shown until the resume.
    expect(task).toMatchObject({ workerId: 'w1', leaseEpoch: 1, leaseExpiresAt: undefined });
  });

  test('nobody else does it for a worker', () => {
    given(created(), claimed(), paused).when(acknowledge, {}).thenRefused('LEASE_LOST');
    given(created(), claimed(), paused)
      .when(acknowledge, { workerId: 'w1', leaseEpoch: 2 })
      .thenRefused('LEASE_LOST');
  });

  test('after the resume a worker has stopped all the same: the task is released', () => {
    const task = given(created(), claimed(), paused, resumed)
      .when(acknowledge, { ...HOLDER, checkpoint: 4 })
      .then(
        new TaskReleased({ checkpoint: 4, reason: 'paused, and resumed before it had stopped' }),
      );
    expect(task).toMatchObject({ status: 'pending', checkpoint: 4, stallCount: 0 });
  });

  test('after the resume, or twice, an app says nothing new', () => {
    given(created(), started(), paused, resumed).when(acknowledge, {}).thenNothing();
    given(created(), started(), paused, new TaskPauseAcknowledged({}))
      .when(acknowledge, {})
      .thenNothing();
  });

  test('who names a lease that ended with the first word hears that it is lost', () => {
    given(created(), claimed(), paused, new TaskPauseAcknowledged({}))
      .when(acknowledge, HOLDER)
      .thenRefused('LEASE_LOST');
  });

  test('a new pause is acknowledged anew', () => {
    given(created(), started(), paused, new TaskPauseAcknowledged({}), resumed, paused)
      .when(acknowledge, {})
      .then(new TaskPauseAcknowledged({}));
  });

  test('a task that is neither paused nor running has nothing to acknowledge', () => {
    given(created()).when(acknowledge, {}).thenRefused('INVALID_TRANSITION');
  });
});
