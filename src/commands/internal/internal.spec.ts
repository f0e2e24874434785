import { describe, expect, test } from '@jest/globals';
import {
  type AnyTaskEvent,
  TaskCompleted,
  TaskDeleted,
  TaskFailed,
  TaskPaused,
  TaskStarted,
} from '../../events/index.js';
import { NOW, created, given, happened, started } from '../../../test/given.js';
import { ClaimTaskHandler } from './claim-task.handler.js';
import { CleanUpTaskHandler } from './clean-up-task.handler.js';
import { ExpireClockHandler } from './expire-clock.handler.js';

const claim = new ClaimTaskHandler(undefined as never);
const cleanUp = new CleanUpTaskHandler(undefined as never);
const expire = new ExpireClockHandler(undefined as never);

describe('claiming one task', () => {
  const wish = { workerId: 'w1', leaseMs: 5_000, claimId: 'claim' };
  const free = created({ runBy: 'worker', runAt: NOW });

  test('starts it under the next lease', () => {
    const task = given(free)
      .when(claim, wish)
      .then(
        new TaskStarted({
          attempt: 1,
          workerId: 'w1',
          leaseEpoch: 1,
          leaseExpiresAt: NOW + 5_000,
          claimId: 'claim',
        }),
      );
    expect(task).toMatchObject({ leased: true, leaseUsed: false, claimId: 'claim' });
  });

  test.each<[string, AnyTaskEvent[]]>([
    ['that is not for workers', [created()]],
    ['whose time has not come', [created({ runBy: 'worker', runAt: NOW + 1 })]],
    ['that runs', [free, started()]],
    ['that is paused', [free, new TaskPaused({ statusBefore: 'pending', remaining: {} })]],
  ])('leaves one alone %s', (_, history) => {
    given(...history)
      .when(claim, wish)
      .thenNothing();
  });
});

describe('cleaning up one task', () => {
  const wish = { statuses: ['completed', 'failed'] as const, completedBefore: NOW };
  const ended = (event: AnyTaskEvent, now = NOW) =>
    [created({ persistent: true }), started(), happened(event, { now })] as const;

  test('deletes what ended long enough ago', () => {
    given(...ended(new TaskCompleted({})))
      .when(cleanUp, wish)
      .then(new TaskDeleted({ reason: 'cleanup' }));
  });

  test('leaves alone what is younger, of another status, not over, or gone', () => {
    given(...ended(new TaskCompleted({}), NOW + 1))
      .when(cleanUp, wish)
      .thenNothing();
    given(...ended(new TaskCompleted({})))
      .when(cleanUp, { ...wish, statuses: ['failed'] })
      .thenNothing();
    given(...ended(new TaskFailed({ error: 'x', retryable: true, willRetry: true })))
      .when(cleanUp, wish)
      .thenNothing();
    given(...ended(new TaskCompleted({})), new TaskDeleted({}))
      .when(cleanUp, wish)
      .thenNothing();
  });
});

describe('when a clock has run out', () => {
  const timeouts = { queueMs: 100, runMs: 200, totalMs: 300 };
  const lost = (error: string, retryable: boolean) =>
    new TaskFailed({ error, retryable, willRetry: retryable });
  const task = created({ persistent: true, timeouts });

  test('the task fails, saying which; only a run is worth another try', () => {
    given(task)
      .when(expire, { clock: 'queue', dueAt: NOW + 100 }, { now: NOW + 100 })
      .then(lost('Waited longer than the 100 ms allowed (queueMs).', false));
    given(task, started())
      .when(expire, { clock: 'run', dueAt: NOW + 200 }, { now: NOW + 200 })
      .then(lost('Ran longer than the 200 ms allowed (runMs).', true));
    given(task, started())
      .when(expire, { clock: 'total', dueAt: NOW + 300 }, { now: NOW + 300 })
      .then(lost('Took longer than the 300 ms allowed (totalMs).', false));
  });

  test('a deadline that moved, that is not yet over, or that stands still decides nothing', () => {
    given(task, started())
      .when(expire, { clock: 'queue', dueAt: NOW + 100 }, { now: NOW + 100 })
      .thenNothing();
    given(task)
      .when(expire, { clock: 'queue', dueAt: NOW + 100 }, { now: NOW + 99 })
      .thenNothing();
    given(task, new TaskPaused({ statusBefore: 'pending', remaining: { queueMs: 1 } }))
      .when(expire, { clock: 'queue', dueAt: NOW + 100 }, { now: NOW + 100 })
      .thenNothing();
    given(task, started(), lost('x', true))
      .when(expire, { clock: 'total', dueAt: NOW + 300 }, { now: NOW + 300 })
      .thenNothing();
  });
});
