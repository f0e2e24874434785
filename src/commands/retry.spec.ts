import { describe, expect, test } from '@jest/globals';
import {
  ProgressUpdated,
  TaskCancelled,
  TaskDeleted,
  TaskErrorRecorded,
  TaskFailed,
  TaskRetried,
  TaskRetryScheduled,
} from '../events/index.js';
import { ADMIN, NOW, TASK_ID, created, given, happened, started } from '../../test/given.js';
import { PerformRetryHandler } from './internal/perform-retry.handler.js';
import { ScheduleRetryHandler } from './internal/schedule-retry.handler.js';
import { RetryTaskHandler } from './retry-task.handler.js';

const retry = new RetryTaskHandler(undefined as never);
const schedule = new ScheduleRetryHandler(undefined as never);
const perform = new PerformRetryHandler(undefined as never);

const failed = new TaskFailed({ error: 'broken', retryable: true, willRetry: false });
const failedForNow = new TaskFailed({ error: 'broken', retryable: true, willRetry: true });
const scheduled = new TaskRetryScheduled({ attempt: 1, dueAt: NOW + 1_000 });
const persistent = created({ persistent: true });
const retried = (retryCount = 1) => new TaskRetried({ retryCount, maxRetries: 3 });
const EVENT = '22222222-2222-5222-8222-222222222222';

describe('by hand', () => {
  test('clears the error and the progress and keeps input, data and the attempt', () => {
    const task = given(
      created({ input: { url: 'x' }, data: { a: 1 } }),
      started(),
      new ProgressUpdated({ progress: 50, completedItems: 1, totalItems: 2, message: 'half' }),
      failed,
    )
      .when(retry, { reason: 'network is back' })
      .then(new TaskRetried({ retryCount: 1, maxRetries: 3, reason: 'network is back' }));
    expect(task).toMatchObject({
      status: 'pending',
      retryCount: 1,
      attempt: 1,
      progress: 0,
      input: { url: 'x' },
      data: { a: 1 },
    });
    for (const gone of ['error', 'completedItems', 'totalItems', 'message', 'completedAt'] as const)
      expect(task[gone]).toBeUndefined();
  });

  test('gives a task that was over its whole time again', () => {
    const timeouts = { queueMs: 100, totalMs: 5_000 };
    const now = NOW + 60_000;
    const task = given(created({ timeouts }), started(), failed)
      .when(retry, {}, { now })
      .then(retried());
    expect(task.deadlines).toEqual({ queueDueAt: now + 100, totalDueAt: now + 5_000 });
  });

  test('does not stop the total clock of a task that was never over', () => {
    const task = given(
      created({ persistent: true, timeouts: { totalMs: 5_000 } }),
      started(),
      failedForNow,
    )
      .when(retry, {}, { now: NOW + 2_000 })
      .then(retried());
    expect(task.deadlines).toEqual({ totalDueAt: NOW + 5_000 });
  });

  test('past the last retry is for admins who insist', () => {
    const spent = [created({ maxRetries: 0 }), started(), failed] as const;
    given(...spent)
      .when(retry, {})
      .thenRefused('INVALID_TRANSITION', { reason: 'retries_used_up' });
    given(...spent)
      .when(retry, {}, { actor: ADMIN })
      .thenRefused('INVALID_TRANSITION');
    given(...spent)
      .when(retry, { force: true })
      .thenRefused('FORBIDDEN', { taskId: TASK_ID });
    given(...spent)
      .when(retry, { force: true }, { actor: ADMIN })
      .thenRefused('VALIDATION_FAILED', { field: 'reason' });
    given(...spent)
      .when(retry, { force: true, reason: 'the disk was changed' }, { actor: ADMIN })
      .then(new TaskRetried({ retryCount: 1, maxRetries: 0, reason: 'the disk was changed' }));
  });

  test('needs a failed task, forced or not', () => {
    given(created(), started()).when(retry, {}).thenRefused('INVALID_TRANSITION');
    given(created({ maxRetries: 0 }))
      .when(retry, {})
      .thenRefused('INVALID_TRANSITION', { event: 'TaskRetried' });
    given(created(), new TaskCancelled({}))
      .when(retry, { force: true, reason: 'why not' }, { actor: ADMIN })
      .thenRefused('INVALID_TRANSITION');
  });

  test('does not wait for the retry that is scheduled, which then never comes', () => {
    const task = given(persistent, started(), failedForNow, scheduled)
      .when(retry, {})
      .then(retried());
    expect(task).toMatchObject({ status: 'pending', willRetry: false });
    expect(task.nextRetryAt).toBeUndefined();
    expect(task.failedRevision).toBeUndefined();
  });

  test('an error noted after the failure is gone with it', () => {
    const task = given(created(), started(), failed, new TaskErrorRecorded({ error: 'and this' }))
      .when(retry, {})
      .then(retried());
    expect(task.error).toBeUndefined();
  });
});

describe('scheduling', () => {
  const about = { failedRevision: 2, failedEventId: EVENT, failedAt: NOW };

  test('a fixed delay counts from the failure, whenever it is decided', () => {
    const task = given(persistent, started(), failedForNow)
      .when(schedule, about, { now: NOW + 90_000 })
      .then(scheduled);
    expect(task.nextRetryAt).toBe(NOW + 1_000);
  });

  test('happens once for a failure, and only where a retry is to come', () => {
    given(persistent, started(), failedForNow, scheduled).when(schedule, about).thenNothing();
    given(created(), started(), failed).when(schedule, about).thenNothing();
    given(persistent, started(), failedForNow, retried()).when(schedule, about).thenNothing();
  });

  test('a word about an older attempt decides nothing', () => {
    given(persistent, started(), failedForNow, retried(), started(2), failedForNow)
      .when(schedule, about)
      .thenNothing();
  });

  test('two failures of one attempt, which failed before it was started, are told apart', () => {
    const twice = [persistent, started(), failedForNow, retried(), failedForNow] as const;
    given(...twice)
      .when(schedule, about)
      .thenNothing();
    given(...twice)
      .when(schedule, { ...about, failedRevision: 4, failedAt: NOW + 500 })
      .then(new TaskRetryScheduled({ attempt: 1, dueAt: NOW + 1_500 }));
  });

  test('comes too late for a task that was cancelled or deleted meanwhile', () => {
    const cancelled = [persistent, started(), failedForNow, new TaskCancelled({})] as const;
    given(...cancelled)
      .when(schedule, about)
      .thenNothing();
    given(...cancelled, new TaskDeleted({}))
      .when(schedule, about)
      .thenNothing();
  });
});

describe('performing', () => {
  const waiting = [persistent, started(), failedForNow, scheduled] as const;
  const due = { now: NOW + 1_000 };

  test('happens when its time has come', () => {
    const task = given(...waiting)
      .when(perform, { attempt: 1 }, due)
      .then(retried());
    expect(task).toMatchObject({ status: 'pending', willRetry: false });
    expect(task.nextRetryAt).toBeUndefined();
  });

  test('decides nothing too early, unscheduled, or about another attempt', () => {
    given(...waiting)
      .when(perform, { attempt: 1 }, { now: NOW + 999 })
      .thenNothing();
    given(...waiting)
      .when(perform, { attempt: 2 }, due)
      .thenNothing();
    given(persistent, started(), failedForNow).when(perform, { attempt: 1 }, due).thenNothing();
  });

  test('nor after somebody retried or cancelled it meanwhile', () => {
    given(...waiting, retried())
      .when(perform, { attempt: 1 }, due)
      .thenNothing();
    given(...waiting, happened(new TaskCancelled({}), { now: NOW + 500 }))
      .when(perform, { attempt: 1 }, due)
      .thenNothing();
  });
});
