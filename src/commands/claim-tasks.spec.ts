import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ClaimAnswer } from '@taskmanager/protocol';
import type { CommandContext } from '../context/index.js';
import { LogUnavailable } from '../event-store/index.js';
import { NOW } from '../../test/given.js';
import { CancelTask } from './cancel-task.command.js';
import { ClaimTasks } from './claim-tasks.command.js';
import {
  log,
  clock,
  finder,
  newService,
  restart,
  send,
  task,
  typesOf,
} from './filter-commands.fixture.js';

describe('claim_tasks', () => {
  beforeEach(newService);

  const wish = { workerId: 'w1', taskTypes: ['index'] };
  const claim = (fields: Partial<ClaimTasks> = {}, context: Partial<CommandContext> = {}) =>
    send<ClaimAnswer>(ClaimTasks, { ...wish, ...fields }, context);
  const idsIn = ({ tasks }: ClaimAnswer) => tasks.map(({ id }) => id);
  const forWorkers = { runBy: 'worker' } as const;

  test('gives tasks under a lease, in the order they were found', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers), await task(forWorkers)];
    const { tasks } = await claim({ limit: 2, leaseMs: 5_000 });
    expect(tasks).toMatchObject(
      finder.ids.slice(0, 2).map((id) => ({
        id,
        status: 'running',
        workerId: 'w1',
        attempt: 1,
        leaseEpoch: 1,
        leaseExpiresAt: NOW + 5_000,
      })),
    );
    expect(tasks[0]).not.toHaveProperty('claimId');
  });

  test('looks past what is gone, taken, or for apps', async () => {
    const free = await task(forWorkers);
    finder.ids = [randomUUID(), await task(), await task(forWorkers, CancelTask), free];
    expect(idsIn(await claim({ limit: 10 }))).toEqual([free]);
    expect(idsIn(await claim({ limit: 10 }))).toEqual([]);
  });

  test('finds one that is free behind many that are not', async () => {
    const [held, free] = [await task(forWorkers), await task(forWorkers)];
    finder.ids = [held];
    await claim();
    finder.ids = [randomUUID(), await task(), await task(forWorkers, CancelTask), held, free];
    expect(idsIn(await claim())).toEqual([free]);
  });

  test('looks once when it finds what it wants, for what was wanted', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    await claim({}, { apps: ['app'] });
    expect(finder.asked).toEqual([
      { taskTypes: ['index'], now: NOW, apps: ['app'], after: undefined, limit: 1 },
    ]);
    expect(finder.lookedAgain).toEqual([]);
  });

  test('does not look further than one command may', async () => {
    finder.ids = Array.from({ length: 1_100 }, () => randomUUID());
    expect(await claim()).toEqual({ tasks: [] });
    expect(finder.asked.at(-1)).toMatchObject({ limit: 1_000 });
  });

  test('claims at the same time share what is there', async () => {
    for (let n = 0; n < 20; n++) finder.ids.push(await task(forWorkers));
    const answers = await Promise.all(Array.from({ length: 10 }, () => claim({ limit: 2 })));
    for (const answer of answers) expect([1, 2]).toContain(answer.tasks.length);
    const rest = await claim({ limit: 20 });
    const given = [...answers, rest].flatMap(idsIn);
    expect(given.sort()).toEqual([...finder.ids].sort());
  });

  test('looks past what another claim is about to take', async () => {
    const [one, other] = [await task(forWorkers), await task(forWorkers)];
    finder.ids = [one, other, await task(forWorkers)];
    const append = log.append.bind(log);
    let meanwhile: ClaimAnswer = { tasks: [] };
    jest.spyOn(log, 'append').mockImplementationOnce(async (...events) => {
      meanwhile = await claim();
      return append(...events);
    });
    expect(idsIn(await claim())).toEqual([one]);
    expect(idsIn(meanwhile)).toEqual([other]);
    expect(finder.asked).toMatchObject([{ limit: 1 }, { limit: 2 }]);
  });

  test('sent again it answers the tasks that it holds, and takes no others', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers), await task(forWorkers)];
    const context = { commandId: randomUUID() };
    const first = await claim({ limit: 2 }, context);
    expect(await claim({ limit: 2 }, { ...context, resent: true })).toEqual(first);
    // The view has heard of the claim, or of nothing.
    finder.ids = finder.ids.slice(2);
    expect(await claim({ limit: 2 }, { ...context, resent: true })).toEqual(first);
    await send(CancelTask, { id: first.tasks[0]?.id });
    expect(idsIn(await claim({ limit: 2 }, { ...context, resent: true }))).toEqual(
      idsIn(first).slice(1),
    );
  });

  test('so it does after a restart', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    const context = { commandId: randomUUID() };
    const first = await claim({}, context);
    await restart();
    finder.ids = finder.ids.slice(1);
    finder.heldIds = idsIn(first);
    expect(await claim({}, { ...context, resent: true })).toEqual(first);
  });

  test('so it does while the view has not heard of the claim', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    const context = { commandId: randomUUID() };
    const first = await claim({}, context);
    await restart();
    expect(await claim({}, { ...context, resent: true })).toEqual(first);
  });

  test('waits for the first task, no longer than it may', async () => {
    const id = await task(forWorkers);
    finder.whileWaiting = async () => {
      finder.ids = [id];
      return true;
    };
    expect(idsIn(await claim({ waitMs: 1_000 }))).toEqual([id]);
    finder.ids = [];
    finder.whileWaiting = async () => {
      clock.time += 1_000;
      return true;
    };
    expect(idsIn(await claim({ waitMs: 1_000 }))).toEqual([]);
    finder.whileWaiting = async () => false;
    expect(await claim({ waitMs: 30_000 }, { apps: ['app'] })).toEqual({ tasks: [] });
    expect(finder.waitedFor.at(-1)).toMatchObject({ taskTypes: ['index'], apps: ['app'] });
  });

  test('a caller who is gone gets none, and those who wait look for themselves', async () => {
    const id = await task(forWorkers);
    const caller = new AbortController();
    finder.whileWaiting = async () => {
      finder.ids = [id];
      caller.abort();
      return true;
    };
    let waits = 0;
    const whileWaiting = async <T>(wait: () => T | Promise<T>) =>
      ++waits === 1 ? wait() : (false as T);
    const gone = await claim({ waitMs: 1_000 }, { gone: caller.signal, whileWaiting });
    expect(idsIn(gone)).toEqual([]);
    expect(await typesOf(id)).toEqual(['TaskCreated']);
    expect(finder.lookedAgain).toEqual(['index']);
    expect(idsIn(await claim())).toEqual([id]);
  });

  test('a claim that fails lets those who wait look for themselves', async () => {
    finder.ids = [await task(forWorkers)];
    await log.close();
    await expect(claim()).rejects.toThrow(LogUnavailable);
    expect(finder.lookedAgain).toEqual(['index']);
  });

  test('frees a place at once, but when it failed not before the view knows what the log has', async () => {
    finder.ids = [await task(forWorkers), await task(forWorkers)];
    await claim();
    expect(finder.slots).toEqual(['held']);
    await log.close();
    await expect(claim()).rejects.toThrow(LogUnavailable);
    expect(finder.slots).toEqual(['held', 'caught up', 'free']);
  });

  test('waits apart from the work in flight', async () => {
    let waits = 0;
    const whileWaiting = async <T>(wait: () => T | Promise<T>) => {
      waits += 1;
      return wait();
    };
    finder.whileWaiting = async () => false;
    await claim({ waitMs: 1_000 }, { whileWaiting });
    await claim({}, { whileWaiting });
    expect(waits).toBe(1);
  });

  test('an answer stops where it would grow too large', async () => {
    const input = 'x'.repeat(120 * 1024);
    for (let n = 0; n < 10; n++) finder.ids.push(await task({ ...forWorkers, input }));
    expect(idsIn(await claim({ limit: 10 }))).toHaveLength(6);
  });
});
