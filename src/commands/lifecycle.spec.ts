import { describe, expect, test } from '@jest/globals';
import {
  ProgressUpdated,
  TaskCancelAcknowledged,
  TaskCancelled,
  TaskCompleted,
  TaskDataUpdated,
  TaskDeleted,
  TaskErrorRecorded,
  TaskFailed,
  TaskPaused,
  TaskReleased,
  TaskStarted,
} from '../events/index.js';
import { HOLDER, NOW, TASK_ID, claimed, created, given, started } from '../../test/given.js';
import { AcknowledgeCancelHandler } from './acknowledge-cancel.handler.js';
import { CancelTaskHandler } from './cancel-task.handler.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { DeleteTaskHandler } from './delete-task.handler.js';
import { FailTaskHandler } from './fail-task.handler.js';
import { StartTaskHandler } from './start-task.handler.js';
import { UpdateTaskDataHandler } from './update-task-data.handler.js';
import { UpdateTaskErrorHandler } from './update-task-error.handler.js';

const start = new StartTaskHandler(undefined as never);
const complete = new CompleteTaskHandler(undefined as never);
const fail = new FailTaskHandler(undefined as never);
const cancel = new CancelTaskHandler(undefined as never);
const remove = new DeleteTaskHandler(undefined as never);
const acknowledge = new AcknowledgeCancelHandler(undefined as never);
const data = new UpdateTaskDataHandler(undefined as never);
const error = new UpdateTaskErrorHandler(undefined as never);

const completed = new TaskCompleted({});
const cancelled = new TaskCancelled({});
const failed = new TaskFailed({ error: 'broken', retryable: true, willRetry: false });
const failedForNow = new TaskFailed({ error: 'broken', retryable: true, willRetry: true });

describe('starting', () => {
  test('a pending task starts its first attempt, without a lease unless one is asked for', () => {
    const task = given(created({ timeouts: { runMs: 500, totalMs: 9_000 } }))
      .when(start, { reason: 'go' })
      .then(new TaskStarted({ attempt: 1, reason: 'go' }));
    expect(task).toMatchObject({ status: 'running', attempt: 1, leased: false, startedAt: NOW });
    expect(task.deadlines).toEqual({ runDueAt: NOW + 500, totalDueAt: NOW + 9_000 });
  });

  test('with leaseMs it gives out the next lease', () => {
    given(created())
      .when(start, { workerId: 'w1', leaseMs: 5_000 })
      .then(
        new TaskStarted({
          attempt: 1,
          workerId: 'w1',
          leaseEpoch: 1,
          leaseExpiresAt: NOW + 5_000,
        }),
      );
  });

  test('a lease without a holder is refused', () => {
    given(created())
      .when(start, { leaseMs: 5_000 })
      .thenRefused('VALIDATION_FAILED', { field: 'workerId' });
  });

  test('a running task without a lease is taken up again as a new attempt', () => {
    given(created(), started())
      .when(start, {})
      .then(new TaskStarted({ attempt: 2 }));
  });

  test('a leased task is refused to everybody else', () => {
    given(created(), claimed())
      .when(start, {})
      .thenRefused('INVALID_TRANSITION', {}, 'running, but not in a state that allows it now.');
  });

  test.each([completed, cancelled, failed, new TaskDeleted({})])(
    'nothing starts a task after $type',
    (end) => {
      given(created(), started(), end)
        .when(start, {})
        .thenRefused('INVALID_TRANSITION', { event: 'TaskStarted' });
    },
  );
});

describe('completing', () => {
  test('a running task completes with its result at 100 percent', () => {
    const task = given(created(), started(), new ProgressUpdated({ progress: 12 }))
      .when(complete, { result: { files: 3 } })
      .then(new TaskCompleted({ result: { files: 3 } }));
    expect(task).toMatchObject({ status: 'completed', progress: 100, completedAt: NOW });
    expect(task.deadlines).toEqual({});
  });

  test('null is a result', () => {
    given(created(), started())
      .when(complete, { result: null })
      .then(new TaskCompleted({ result: null }));
  });

  test('a pending task cannot complete', () => {
    given(created()).when(complete, {}).thenRefused('INVALID_TRANSITION', { status: 'pending' });
  });

  test('it completes once', () => {
    given(created(), started(), completed).when(complete, {}).thenRefused('INVALID_TRANSITION');
  });
});

describe('failing', () => {
  test('a task that is not persistent is not retried by itself', () => {
    const task = given(created(), started()).when(fail, { error: 'broken' }).then(failed);
    expect(task).toMatchObject({ status: 'failed', error: 'broken', completedAt: NOW });
  });

  test('a persistent task is, while retries are left', () => {
    const task = given(created({ persistent: true }), started())
      .when(fail, { error: 'broken' })
      .then(failedForNow);
    expect(task.completedAt).toBeUndefined();
    given(created({ persistent: true, maxRetries: 0 }), started())
      .when(fail, { error: 'broken' })
      .then(failed);
  });

  test('what no retry can mend is not retried', () => {
    given(created({ persistent: true }), started())
      .when(fail, { error: 'broken', retryable: false })
      .then(new TaskFailed({ error: 'broken', retryable: false, willRetry: false }));
  });

  test.each([failed, completed, cancelled])('nothing fails after $type', (end) => {
    given(created(), started(), end)
      .when(fail, { error: 'again' })
      .thenRefused('INVALID_TRANSITION');
  });
});

describe('cancelling', () => {
  test('a task that runs waits for its runner to say that it has stopped', () => {
    const task = given(created(), started())
      .when(cancel, { reason: 'not needed' })
      .then(new TaskCancelled({ reason: 'not needed' }));
    expect(task).toMatchObject({ status: 'cancelled', cancelAcknowledged: false });
    given(created(), started(), cancelled)
      .when(acknowledge, {})
      .then(new TaskCancelAcknowledged({}));
  });

  test('a pending task has nobody to wait for', () => {
    const task = given(created()).when(cancel, {}).then(cancelled);
    expect(task.cancelAcknowledged).toBeUndefined();
    given(created(), cancelled).when(acknowledge, {}).thenNothing();
  });

  test('a paused task whose runner has not stopped is cancelled and still heard', () => {
    const paused = new TaskPaused({ statusBefore: 'running', remaining: {} });
    given(created(), claimed(), paused, cancelled)
      .when(acknowledge, HOLDER)
      .then(new TaskCancelAcknowledged({}));
  });

  test('only the last holder of a lease can have stopped', () => {
    given(created(), claimed(), cancelled)
      .when(acknowledge, { workerId: 'w0', leaseEpoch: 7 })
      .thenRefused(
        'LEASE_LOST',
        { taskId: TASK_ID, status: 'cancelled' },
        `Only the worker of lease 1 can say that task ${TASK_ID} has stopped.`,
      );
    given(created(), claimed(), cancelled).when(acknowledge, {}).thenRefused('LEASE_LOST');
  });

  test('who ran it without a lease needs none to have stopped, whatever leases there were', () => {
    const again = [created(), claimed(), new TaskReleased({}), started(2), cancelled] as const;
    given(...again)
      .when(acknowledge, {})
      .then(new TaskCancelAcknowledged({}));
    given(...again)
      .when(acknowledge, HOLDER)
      .thenRefused('LEASE_LOST', {}, 'lease none');
    const named = new TaskStarted({ attempt: 2, workerId: 'w3' });
    given(created(), claimed(), new TaskReleased({}), named, cancelled)
      .when(acknowledge, { workerId: 'w3' })
      .then(new TaskCancelAcknowledged({}));
  });

  test('a second acknowledgement says nothing new', () => {
    given(created(), claimed(), cancelled, new TaskCancelAcknowledged({}))
      .when(acknowledge, HOLDER)
      .thenNothing();
  });

  test('a running task has no cancel to acknowledge', () => {
    given(created(), started())
      .when(acknowledge, {})
      .thenRefused(
        'INVALID_TRANSITION',
        { event: 'TaskCancelAcknowledged' },
        `cannot happen to task ${TASK_ID}: it is running; it would have to be cancelled or deleted.`,
      );
  });

  test('a failed task is cancelled only while a retry is to come', () => {
    const task = given(created({ persistent: true }), started(), failedForNow)
      .when(cancel, {})
      .then(cancelled);
    expect(task).toMatchObject({ willRetry: false, completedAt: NOW });
    given(created(), started(), failed).when(cancel, {}).thenRefused('INVALID_TRANSITION');
  });
});

describe('deleting', () => {
  test('a final task is only deleted', () => {
    given(created(), started(), completed).when(remove, {}).then(new TaskDeleted({}));
    given(created(), started(), failed).when(remove, {}).then(new TaskDeleted({}));
  });

  test('any other is cancelled in the same append, so that its worker hears of it', () => {
    const task = given(created(), claimed())
      .when(remove, { reason: 'mistake' })
      .then(new TaskCancelled({ reason: 'mistake' }), new TaskDeleted({ reason: 'mistake' }));
    expect(task).toMatchObject({ status: 'deleted', cancelAcknowledged: false, leased: false });
    given(created(), claimed(), cancelled, new TaskDeleted({}))
      .when(acknowledge, HOLDER)
      .then(new TaskCancelAcknowledged({}));
  });

  test('a task that fails for now is cancelled too', () => {
    given(created({ persistent: true }), started(), failedForNow)
      .when(remove, {})
      .then(cancelled, new TaskDeleted({}));
  });

  test('a tombstone is not deleted again', () => {
    given(created(), cancelled, new TaskDeleted({}))
      .when(remove, {})
      .thenRefused('INVALID_TRANSITION', { status: 'deleted' });
  });
});

describe('data and notes', () => {
  test('data is replaced as a whole until the task is final', () => {
    const task = given(created({ data: { a: 1 } }))
      .when(data, { data: { b: 2 } })
      .then(new TaskDataUpdated({ data: { b: 2 } }));
    expect(task.data).toEqual({ b: 2 });
    given(created({ persistent: true }), started(), failedForNow)
      .when(data, { data: 1 })
      .then(new TaskDataUpdated({ data: 1 }));
    for (const end of [completed, failed, cancelled]) {
      given(created(), started(), end).when(data, { data: 1 }).thenRefused('INVALID_TRANSITION');
    }
  });

  test('an error is noted in any status but deleted, and changes none', () => {
    const task = given(created(), started(), completed)
      .when(error, { error: 'mail not sent' })
      .then(new TaskErrorRecorded({ error: 'mail not sent' }));
    expect(task).toMatchObject({ status: 'completed', error: 'mail not sent' });
    given(created(), cancelled, new TaskDeleted({}))
      .when(error, { error: 'late' })
      .thenRefused('INVALID_TRANSITION');
  });
});
