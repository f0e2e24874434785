import { describe, expect, test } from '@jest/globals';
import type { TaskStatus } from '@taskmanager/protocol';
import {
  type AnyTaskEvent,
  ProgressUpdated,
  TaskApprovalGiven,
  TaskApprovalRequested,
  TaskApproved,
  TaskCancelled,
  TaskCompleted,
  TaskErrorRecorded,
  TaskFailed,
  TaskLeaseExpired,
  TaskPauseAcknowledged,
  TaskPaused,
  TaskResumed,
  TaskRetried,
  TaskStarted,
} from '../events/index.js';
import { HOLDER, NOW, claimed, created, given, started, taskAfter } from '../../test/given.js';
import { CancelTaskHandler } from './cancel-task.handler.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { FailTaskHandler } from './fail-task.handler.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { RequestApprovalHandler } from './request-approval.handler.js';
import { ResumeTaskHandler } from './resume-task.handler.js';
import { RetryTaskHandler } from './retry-task.handler.js';
import { StartTaskHandler } from './start-task.handler.js';
import { UpdateTaskProgressHandler } from './update-task-progress.handler.js';
import { UpdateTaskStatusHandler } from './update-task-status.handler.js';

const none = undefined as never;
const update = new UpdateTaskStatusHandler(
  none,
  new StartTaskHandler(none),
  new ResumeTaskHandler(none),
  new PauseTaskHandler(none),
  new CompleteTaskHandler(none),
  new FailTaskHandler(none),
  new CancelTaskHandler(none),
  new RequestApprovalHandler(none),
  new RetryTaskHandler(none),
);
const progress = new UpdateTaskProgressHandler(none);

const paused = new TaskPaused({ statusBefore: 'running', remaining: {} });
const resumed = new TaskResumed({ deadlines: {} });
const asked = new TaskApprovalRequested({
  approvers: [],
  quorum: 1,
  allowSelf: true,
  onApproved: 'resume',
});
const failed = (error: string) => new TaskFailed({ error, retryable: true, willRetry: false });

describe('each wanted status is reached through the one command that leads there', () => {
  test.each<[TaskStatus, AnyTaskEvent[], AnyTaskEvent[]]>([
    ['running', [created()], [new TaskStarted({ attempt: 1 })]],
    ['running', [created(), started(), paused], [resumed]],
    ['paused', [created(), started()], [paused]],
    ['completed', [created(), started()], [new TaskCompleted({})]],
    ['failed', [created(), started()], [failed('Failed, and no error was given.')]],
    ['cancelled', [created()], [new TaskCancelled({})]],
    ['waiting_for_approval', [created(), started()], [asked]],
    [
      'pending',
      [created(), started(), failed('x')],
      [new TaskRetried({ retryCount: 1, maxRetries: 3 })],
    ],
  ])('%s', (status, history, events) => {
    given(...history)
      .when(update, { status })
      .then(...events);
  });

  test('what stands beside the status goes with it', () => {
    given(created(), started())
      .when(update, { status: 'completed', result: [1] })
      .then(new TaskCompleted({ result: [1] }));
    given(created(), started())
      .when(update, { status: 'failed', error: 'disk full' })
      .then(failed('disk full'));
    given(created(), started())
      .when(update, { status: 'cancelled', reason: 'old' })
      .then(new TaskCancelled({ reason: 'old' }));
  });

  test('failed without an error takes the last one that was noted', () => {
    given(created(), started(), new TaskErrorRecorded({ error: 'chunk 7 is broken' }))
      .when(update, { status: 'failed' })
      .then(failed('chunk 7 is broken'));
  });

  test('completed is a vote while the task waits for approval', () => {
    given(created(), started(), asked)
      .when(update, { status: 'completed' })
      .then(
        new TaskApprovalGiven({ by: 'alice' }),
        new TaskApproved({ resumesTo: 'running' }),
        new TaskCompleted({}),
      );
  });

  test('where that command may not go, neither may this', () => {
    given(created()).when(update, { status: 'completed' }).thenRefused('INVALID_TRANSITION');
    given(created())
      .when(update, { status: 'waiting_for_approval' })
      .thenRefused('INVALID_TRANSITION');
    given(created(), started())
      .when(update, { status: 'pending' })
      .thenRefused('INVALID_TRANSITION');
    given(created(), started(), new TaskCompleted({}))
      .when(update, { status: 'running' })
      .thenRefused('INVALID_TRANSITION');
    given(created(), claimed()).when(update, { status: 'completed' }).thenRefused('LEASE_LOST');
    given(created(), claimed())
      .when(update, { status: 'completed', workerId: 'w1' })
      .thenRefused('LEASE_LOST', { leaseEpoch: 1 }, "not w1's to go on with: it names no lease");
    given(created(), claimed())
      .when(update, { status: 'completed', ...HOLDER })
      .then(new TaskCompleted({}));
  });
});

test.each<TaskStatus>(['running', 'paused', 'cancelled', 'completed', 'failed'])(
  'a worker whose lease is over does not make it %s',
  (status) => {
    const expired = new TaskLeaseExpired({ stallCount: 0, leaseEpoch: 1, workerId: 'w1' });
    given(created(), claimed(), expired)
      .when(update, { status, ...HOLDER })
      .thenRefused('LEASE_LOST');
  },
);

describe('the same status again', () => {
  test.each<[TaskStatus, AnyTaskEvent[]]>([
    ['pending', [created()]],
    ['running', [created(), claimed()]],
    ['paused', [created(), started(), paused]],
    ['waiting_for_approval', [created(), started(), asked]],
    ['completed', [created(), started(), new TaskCompleted({})]],
    ['failed', [created(), started(), failed('x')]],
    ['cancelled', [created(), new TaskCancelled({})]],
  ])('%s is accepted and writes nothing', (status, history) => {
    given(...history)
      .when(update, { status })
      .thenNothing();
  });

  test('but running without a lease starts a new attempt', () => {
    given(created(), started())
      .when(update, { status: 'running' })
      .then(new TaskStarted({ attempt: 2 }));
  });
});

describe('an app whose task was paused before it ran', () => {
  const early = new TaskPaused({ statusBefore: 'pending', remaining: { queueMs: 5 } });

  test('runs it all the same', () => {
    const task = given(created({ timeouts: { queueMs: 5 } }), early)
      .when(update, { status: 'running' })
      .then(
        new TaskResumed({ deadlines: { queueDueAt: NOW + 5 } }),
        new TaskStarted({ attempt: 1 }),
      );
    expect(task).toMatchObject({ status: 'running', attempt: 1, deadlines: {} });
  });

  test('a task for workers only goes back to its queue', () => {
    const task = given(created({ runBy: 'worker' }), early)
      .when(update, { status: 'running' })
      .then(new TaskResumed({ deadlines: { queueDueAt: NOW + 5 } }));
    expect(task.status).toBe('pending');
  });
});

describe('programs as they are', () => {
  test('one that crashes, comes back and sets its task running goes on, from the beginning if it must', () => {
    const half = new ProgressUpdated({ progress: 50, completedItems: 50, totalItems: 100 });
    const history = [created(), started(), half] as const;
    given(...history)
      .when(update, { status: 'running' })
      .then(new TaskStarted({ attempt: 2 }));
    const back = [...history, started(2)] as const;
    const first = new ProgressUpdated({ progress: 1, completedItems: 1, totalItems: 100 });
    given(...back)
      .when(progress, { completedItems: 1, totalItems: 100 })
      .then(first);
    given(...back, first)
      .when(update, { status: 'completed' })
      .then(new TaskCompleted({}));
  });

  test('one that was paused when it crashed goes on in the same attempt', () => {
    given(created(), started(), paused).when(update, { status: 'running' }).then(resumed);
    given(created(), started(), paused, new TaskPauseAcknowledged({}))
      .when(update, { status: 'running' })
      .then(resumed);
  });

  test('one that fails its task on any error is given none by a pause of everything', () => {
    const loop = [1, 2, 3].map((completedItems) => ({ completedItems, totalItems: 3 }));
    let history: AnyTaskEvent[] = [created(), started(), paused];
    for (const report of loop) {
      const event = new ProgressUpdated({
        progress: Math.floor((100 * report.completedItems) / 3),
        ...report,
      });
      given(...history)
        .when(progress, report)
        .then(event);
      history = [...history, event];
    }
    expect(taskAfter(...history)).toMatchObject({ status: 'paused', progress: 100 });
    given(...history)
      .when(update, { status: 'completed' })
      .then(new TaskCompleted({}));
  });
});
