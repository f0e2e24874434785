import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CancelTask } from '../commands/cancel-task.command.js';
import { DeleteTask } from '../commands/delete-task.command.js';
import { FailTask } from '../commands/fail-task.command.js';
import { PauseTask } from '../commands/pause-task.command.js';
import { ResumeTask } from '../commands/resume-task.command.js';
import { RetryTask } from '../commands/retry-task.command.js';
import { StartTask } from '../commands/start-task.command.js';
import { type StoredTaskEvent, TaskFailed } from '../events/index.js';
import type { SagaEvent } from '../processing/index.js';
import { ADMIN, NOW, TASK_ID } from '../../test/given.js';
import { RetrySaga } from './retry.saga.js';
import { type Stage, openStage } from './sagas.fixture.js';

const ERROR = { error: 'no disk' };
const RETRIED = { retryCount: 1, maxRetries: 3 };

let stage: Stage;

beforeEach(async () => {
  stage = await openStage();
});

afterEach(async () => {
  await stage.again();
  await stage.close();
});

const fail = () => stage.send(FailTask, ERROR);
const run = async () => {
  await stage.send(StartTask, {});
  await fail();
};
const scheduled = async () => (await stage.data('TaskRetryScheduled')) as { dueAt: number }[];

describe('the retry saga', () => {
  const saga = new RetrySaga();
  const failure = (willRetry: boolean) =>
    ({
      id: 'event',
      taskId: TASK_ID,
      revision: 7,
      metadata: { timestamp: NOW },
      event: new TaskFailed({ error: 'x', retryable: true, willRetry }),
    }) as unknown as SagaEvent<TaskFailed>;

  test('answers a failure that will be retried, naming it, and no other', () => {
    expect(saga.schedule(failure(true))).toEqual([
      { id: TASK_ID, failedRevision: 7, failedEventId: 'event', failedAt: NOW },
    ]);
    expect(saga.schedule(failure(false))).toEqual([]);
  });

  test('answers a timer that is due, naming the attempt', () => {
    const timer = { kind: 'retry', dueAt: NOW, taskId: TASK_ID, revision: 8, attempt: 2 } as const;
    expect(saga.perform(timer)).toEqual([{ id: TASK_ID, attempt: 2 }]);
  });
});

describe('a persistent task that fails', () => {
  test('is retried when its time has come, once, and says how many retries there are', async () => {
    await stage.create({ persistent: true, runBy: 'app', retryDelayMs: 2_000 });
    await run();
    await stage.pass(1_999);
    expect((await stage.task()).nextRetryAt).toBe(NOW + 2_000);
    expect(await stage.types()).toEqual([
      'TaskCreated',
      'TaskStarted',
      'TaskFailed',
      'TaskRetryScheduled',
    ]);
    await stage.pass(1);
    expect(await stage.data('TaskRetried')).toEqual([RETRIED]);
    expect(await stage.task()).toMatchObject({ status: 'pending', retryCount: 1 });
  });

  test('is retried after a restart, however late, and once', async () => {
    await stage.create({ persistent: true, runBy: 'app' });
    await run();
    await stage.pass(86_400_000, { down: true });
    expect(await scheduled()).toEqual([{ attempt: 1, dueAt: NOW + 1_000 }]);
    expect(await stage.data('TaskRetried')).toEqual([RETRIED]);
  });

  test('the fourth time with three retries has failed for good', async () => {
    await stage.create({ persistent: true, runBy: 'app' });
    for (let failures = 1; failures <= 4; failures++) {
      await run();
      await stage.pass(1_000);
    }
    const task = await stage.task();
    expect(task).toMatchObject({ status: 'failed', retryCount: 3, attempt: 4, error: 'no disk' });
    expect(stage.timers(task)).toEqual([]);
    expect(await stage.data('TaskRetried')).toHaveLength(3);
    await stage.pass(1e9);
    expect((await stage.task()).revision).toBe(task.revision);
  });

  test.each([
    ['is left alone after an error that no retry helps', true, 3, false],
    ['is left alone when it is not persistent', false, 3, true],
    ['is left alone when it may not be retried', true, 0, true],
  ])('%s', async (_, persistent, maxRetries, retryable) => {
    await stage.create({ persistent, maxRetries, runBy: 'app' });
    await stage.send(FailTask, { ...ERROR, retryable });
    await stage.pass(1e9);
    expect(await stage.types()).toEqual(['TaskCreated', 'TaskFailed']);
  });

  test('waits longer each time with exponential backoff, within its window and its cap', async () => {
    const backoff = { type: 'exponential', maxDelayMs: 3_000 } as const;
    await stage.create({ persistent: true, runBy: 'app', maxRetries: 6, backoff });
    for (let retryCount = 0; retryCount < 6; retryCount++) {
      const failedAt = stage.clock.time;
      await run();
      await stage.pass(3_000);
      const delay = (await scheduled())[retryCount]!.dueAt - failedAt;
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(Math.min(1_000 * 2 ** retryCount, 3_000));
    }
  });

  test('has a jitter that is drawn from its failure: the same again, another for another', async () => {
    const delays = new Set<number>();
    await stage.create({
      persistent: true,
      runBy: 'app',
      maxRetries: 6,
      backoff: { type: 'exponential' },
      retryDelayMs: 60_000,
    });
    for (let failures = 1; failures <= 5; failures++) {
      await run();
      const failure = (await stage.history()).at(-1) as StoredTaskEvent;
      // However late the saga hears of it: it counts from the failure.
      stage.clock.time += 10;
      await stage.settle();
      delays.add((await scheduled()).at(-1)!.dueAt - failure.metadata.timestamp);
      await stage.pass(60_000 * 2 ** failures);
    }
    expect(delays.size).toBe(5);
  });

  test('twice in one attempt, before it was started, gets a retry for each', async () => {
    await stage.create({ persistent: true, runBy: 'app' });
    await fail();
    await stage.pass(1_000);
    await fail();
    await stage.pass(500);
    expect(await stage.task()).toMatchObject({ status: 'failed', attempt: 0, retryCount: 1 });
    await stage.pass(500);
    expect(await stage.data('TaskRetried')).toEqual([RETRIED, { ...RETRIED, retryCount: 2 }]);
    expect(await scheduled()).toEqual([
      { attempt: 0, dueAt: NOW + 1_000 },
      { attempt: 0, dueAt: NOW + 2_000 },
    ]);
  });

  test('and again before the saga heard of the first: only the failure that stands is retried', async () => {
    await stage.create({ persistent: true, runBy: 'app' });
    await fail();
    await stage.send(RetryTask, {});
    stage.clock.time += 400;
    await fail();
    await stage.settle();
    expect(await scheduled()).toEqual([{ attempt: 0, dueAt: NOW + 1_400 }]);
  });
});

describe('while a retry is scheduled', () => {
  beforeEach(async () => {
    await stage.create({ persistent: true, runBy: 'app' });
    await run();
    await stage.settle();
  });

  test.each([
    ['cancel', CancelTask, ['TaskCancelled']],
    ['delete', DeleteTask, ['TaskCancelled', 'TaskDeleted']],
    ['a retry by hand', RetryTask, ['TaskRetried']],
  ] as const)(
    '%s wins, and the timer that fires nevertheless does nothing',
    async (_, wish, won) => {
      const [timer] = stage.timers(await stage.task());
      await stage.send<object>(wish);
      await stage.pass(5_000);
      await stage.fire(timer!);
      expect((await stage.types()).slice(4)).toEqual(won);
    },
  );

  test('it is not performed before its time, whatever fires', async () => {
    const [timer] = stage.timers(await stage.task());
    stage.clock.time += 999;
    await stage.fire(timer!);
    expect((await stage.task()).status).toBe('failed');
    stage.clock.time += 1;
    await stage.fire(timer!);
    expect((await stage.task()).status).toBe('pending');
  });

  test('there is nothing to pause, and the refusal says so', async () => {
    const refusal = await stage.refused(stage.send(PauseTask));
    expect(refusal).toMatchObject({ code: 'INVALID_TRANSITION', details: { status: 'failed' } });
    await stage.pass(1_000);
    expect((await stage.task()).status).toBe('pending');
  });

  test('a timer of the failure before does not hurry the next one', async () => {
    const [timer] = stage.timers(await stage.task());
    await stage.send(RetryTask);
    await stage.pass(900);
    await fail();
    await stage.pass(200);
    await stage.fire(timer!);
    expect(await stage.task()).toMatchObject({ status: 'failed', nextRetryAt: NOW + 1_900 });
    await stage.pass(1_000);
    expect(await stage.task()).toMatchObject({ status: 'pending', retryCount: 2 });
  });
});

test('a task that fails while it is paused is retried like any other', async () => {
  await stage.create({ persistent: true, runBy: 'app' });
  await stage.send(StartTask);
  await stage.send(PauseTask);
  await fail();
  await stage.pass(1_000);
  expect(await stage.task()).toMatchObject({ status: 'pending', retryCount: 1 });
});

test('a retried task can be paused before it is started, and no retry comes meanwhile', async () => {
  await stage.create({ persistent: true, runBy: 'app' });
  await run();
  await stage.pass(1_000);
  await stage.send(PauseTask);
  await stage.pass(1e9);
  expect(await stage.task()).toMatchObject({ status: 'paused', retryCount: 1 });
  await stage.send(ResumeTask);
  expect((await stage.task()).status).toBe('pending');
});

test('an admin may force one more with a reason, and a failure after it is final again', async () => {
  await stage.create({ persistent: true, runBy: 'app', maxRetries: 0 });
  await run();
  await stage.pass(1_000);
  expect((await stage.task()).status).toBe('failed');
  expect(await stage.refused(stage.send(RetryTask))).toMatchObject({
    details: { reason: 'retries_used_up' },
  });
  await stage.send(RetryTask, { force: true, reason: 'the disk was changed' }, ADMIN);
  await run();
  await stage.pass(1e9);
  const task = await stage.task();
  expect(task).toMatchObject({ status: 'failed', retryCount: 1, maxRetries: 0 });
  expect(stage.timers(task)).toEqual([]);
});
