import { describe, expect, test } from '@jest/globals';
import {
  ProgressUpdated,
  type ProgressUpdatedData,
  TaskCancelled,
  TaskCompleted,
  TaskFailed,
  TaskPauseAcknowledged,
  TaskPaused,
} from '../events/index.js';
import { HOLDER, NOW, claimed, created, given, started } from '../../test/given.js';
import { UpdateTaskProgressHandler } from './update-task-progress.handler.js';

const progress = new UpdateTaskProgressHandler(undefined as never);
const items = (completedItems: number, totalItems: number) => ({ completedItems, totalItems });
const reported = (data: ProgressUpdatedData) => new ProgressUpdated(data);
const at40 = reported({ progress: 40, ...items(4, 10) });

describe('what a report says', () => {
  test.each([
    [items(1, 3), 33],
    [items(2, 3), 66],
    [items(3, 3), 100],
    [items(0, 0), 0],
    [items(999, 1_000), 99],
  ])('%j is %d percent', (given1, percent) => {
    given(created(), started())
      .when(progress, given1)
      .then(reported({ progress: percent, ...given1 }));
  });

  test('items win over a percentage given beside them', () => {
    given(created(), started())
      .when(progress, { ...items(1, 2), progress: 7, message: 'half' })
      .then(reported({ progress: 50, ...items(1, 2), message: 'half' }));
  });

  test.each([
    [items(2, 1), 'completedItems'],
    [{ completedItems: 1 }, 'totalItems'],
    [{ totalItems: 1 }, 'completedItems'],
    [{ message: 'nothing else' }, 'progress'],
  ])('%j is refused for its %s', (report, field) => {
    given(created(), started()).when(progress, report).thenRefused('VALIDATION_FAILED', { field });
  });

  test('the largest numbers still give a percentage', () => {
    const most = Number.MAX_SAFE_INTEGER;
    given(created(), started())
      .when(progress, items(most, most))
      .then(reported({ progress: 100, ...items(most, most) }));
  });
});

describe('within one attempt', () => {
  test.each([
    items(3, 10),
    items(4, 10),
    { progress: 39 },
    { progress: 40 },
    { ...items(3, 10), message: 'back' },
  ])('%j after 4 of 10 is accepted and says nothing', (report) => {
    given(created(), started(), at40).when(progress, report).thenNothing();
  });

  test('another total starts to count anew', () => {
    given(created(), started(), at40)
      .when(progress, items(1, 20))
      .then(reported({ progress: 5, ...items(1, 20) }));
  });

  test('the same with a new message is news', () => {
    given(created(), started(), at40)
      .when(progress, { ...items(4, 10), message: 'still here' })
      .then(reported({ progress: 40, ...items(4, 10), message: 'still here' }));
  });

  test('a higher percentage is news, with items before it or without', () => {
    const more = reported({ progress: 41 });
    given(created(), started(), at40).when(progress, { progress: 41 }).then(more);
    given(created(), started(), reported({ progress: 40 }))
      .when(progress, { progress: 41 })
      .then(more);
  });

  test('the same items after a percentage of their own give theirs again', () => {
    given(created(), started(), at40, reported({ progress: 80 }))
      .when(progress, items(4, 10))
      .then(at40);
  });

  test('the same with the same message, or with none, says nothing', () => {
    const said = reported({ progress: 40, ...items(4, 10), message: 'copying' });
    given(created(), started(), said)
      .when(progress, { ...items(4, 10), message: 'copying' })
      .thenNothing();
    given(created(), started(), said).when(progress, items(4, 10)).thenNothing();
  });

  test('a new attempt begins below the last', () => {
    const task = given(created(), started(), at40, started(2))
      .when(progress, items(1, 10))
      .then(reported({ progress: 10, ...items(1, 10) }));
    expect(task).toMatchObject({ progress: 10, completedItems: 1 });
  });
});

describe('where no progress may happen it is refused, however little it says', () => {
  test.each([
    new TaskCompleted({}),
    new TaskCancelled({}),
    new TaskFailed({ error: 'x', retryable: true, willRetry: false }),
  ])('after $type', (end) => {
    given(created(), started(), at40, end)
      .when(progress, items(4, 10))
      .thenRefused('INVALID_TRANSITION');
    given(created(), started(), at40, end)
      .when(progress, { progress: 1 })
      .thenRefused('INVALID_TRANSITION');
  });

  test('while pending', () => {
    given(created()).when(progress, { progress: 1 }).thenRefused('INVALID_TRANSITION');
  });

  test('while paused, once the runner has said that it stopped', () => {
    const paused = new TaskPaused({ statusBefore: 'running', remaining: {} });
    given(created(), started(), at40, paused)
      .when(progress, items(5, 10))
      .then(reported({ progress: 50, ...items(5, 10) }));
    given(created(), started(), at40, paused, new TaskPauseAcknowledged({}))
      .when(progress, items(4, 10))
      .thenRefused('INVALID_TRANSITION');
  });
});

describe('under a lease', () => {
  test('progress keeps the lease alive, the same progress too', () => {
    const now = NOW + 10_000;
    const task = given(created(), claimed(), at40)
      .when(progress, { ...items(4, 10), ...HOLDER }, { now })
      .then(reported({ progress: 40, ...items(4, 10), leaseExpiresAt: now + 30_000 }));
    expect(task).toMatchObject({ leaseExpiresAt: now + 30_000, leaseUsed: true });
  });

  test.each([{}, { workerId: 'w1', leaseEpoch: 2 }, { workerId: 'w2', leaseEpoch: 1 }])(
    'who says %j is not the holder',
    (sender) => {
      given(created(), claimed())
        .when(progress, { progress: 1, ...sender })
        .thenRefused('LEASE_LOST', { leaseEpoch: 1 });
    },
  );
});
