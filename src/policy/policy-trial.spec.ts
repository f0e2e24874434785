import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LogUnavailable } from '../event-store/index.js';
import { MemoryEventLog } from '../event-store/memory/index.js';
import { ProgressUpdated, TaskFailed, TaskStarted, taskStream } from '../events/index.js';
import { jobWork } from '../jobs/job.fixture.js';
import { ReplayWork } from '../processing/index.js';
import { TaskLog } from '../projections/task-log.fixture.js';
import { decideAgain } from './policy-trial.js';

let tasks: TaskLog;
beforeEach(() => {
  tasks = new TaskLog(new MemoryEventLog());
});

/** A task that fails after so many reports of its progress. */
async function failing(reports = 0): Promise<string> {
  const id = await tasks.create({ persistent: true });
  await tasks.append(id, new TaskStarted({ attempt: 1 }));
  for (let n = 0; n < reports; n++) await tasks.append(id, new ProgressUpdated({ progress: 1 }));
  await tasks.append(id, new TaskFailed({ error: 'x', retryable: true, willRetry: true }));
  return id;
}

const decided = (work = new ReplayWork(jobWork())) => decideAgain(tasks.log, {}, undefined, work);

describe('Deciding recorded failures again', () => {
  it('gives others their turn while it folds a long life', async () => {
    await failing(2_000);
    const work = new ReplayWork(jobWork());
    const turn = jest.spyOn(work, 'turn');
    expect(await decided(work)).toMatchObject({ failures: 1, unreadable: 0, changeCount: 0 });
    expect(turn.mock.calls.length).toBeGreaterThan(10);
  });

  it('counts a failure whose retry cannot be read, and goes on', async () => {
    const id = await failing();
    const broken = {
      id: crypto.randomUUID(),
      type: 'TaskRetryScheduled',
      data: '{',
      metadata: '{',
    };
    await tasks.log.append(taskStream(id), 'any', [broken]);
    await failing();
    expect(await decided()).toMatchObject({ failures: 2, unreadable: 1, changeCount: 0 });
  });

  it('does not take a log that is away for events that cannot be read', async () => {
    await failing();
    const away = new LogUnavailable('it is away', false);
    jest.spyOn(tasks.log, 'readStream').mockRejectedValueOnce(away);
    await expect(decided()).rejects.toBe(away);
  });
});
