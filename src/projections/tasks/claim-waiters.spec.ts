import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SetClock } from '../../../test/given.js';
import { ClaimWaiters, type QueueView } from './claim-waiters.js';

const LONG = 20_000;
const INDEX = { taskTypes: ['index'] };
const task = (fields: { taskType?: string; appName?: string; runAt?: number } = {}) => ({
  taskType: 'index',
  appName: 'app',
  ...fields,
});

describe('claims that wait', () => {
  let clock: SetClock;
  let waiters: ClaimWaiters;
  let queue: QueueView & { due: { runAt: number }[]; fails: boolean };

  beforeEach(() => {
    jest.useFakeTimers();
    clock = new SetClock();
    waiters = new ClaimWaiters(clock);
    queue = {
      due: [],
      fails: false,
      hasReady: () => true,
      ready: (_, most) => Math.min(most, 2),
      nextRunAt: () => queue.due[0]?.runAt,
      promote: (now) => {
        if (queue.fails) throw new Error('database or disk is full');
        const ready = queue.due.filter(({ runAt }) => runAt <= now);
        queue.due = queue.due.filter(({ runAt }) => runAt > now);
        waiters.queued(ready.map(() => task()));
      },
    };
  });
  afterEach(() => {
    waiters.onModuleDestroy();
    jest.useRealTimers();
  });

  /** Waits, and notes under a name what came of it. */
  const outcomes: Record<string, boolean> = {};
  beforeEach(() => {
    for (const name of Object.keys(outcomes)) delete outcomes[name];
  });
  const wait = (name: string, wish: { taskTypes: string[]; apps?: string[] } = INDEX) =>
    void waiters.wait(wish, LONG, queue).then((found) => (outcomes[name] = found));
  const pass = async (ms: number) => {
    clock.time += ms;
    await jest.advanceTimersByTimeAsync(ms);
  };

  it('are woken one for each task, who waits longest first', async () => {
    for (const name of ['a', 'b', 'c', 'd']) wait(name);
    waiters.queued([task(), task()]);
    await pass(0);
    expect(outcomes).toEqual({ a: true, b: true });
    waiters.queued([task()]);
    await pass(0);
    expect(outcomes).toEqual({ a: true, b: true, c: true });
  });

  it('that were woken in vain look again soon, as long as something lies ready', async () => {
    const vain = { ...INDEX, lookAgainMs: 40 };
    wait('in vain', vain);
    await pass(39);
    expect(outcomes).toEqual({});
    await pass(1);
    expect(outcomes).toEqual({ 'in vain': true });
    queue.hasReady = () => false;
    wait('nothing there', vain);
    await pass(1_000);
    expect(outcomes).toEqual({ 'in vain': true });
  });

  it('are not woken for a type or an app that is not theirs', async () => {
    wait('other app', { ...INDEX, apps: ['shop'] });
    wait('other type', { taskTypes: ['clone'] });
    wait('right', { taskTypes: ['clone', 'index'], apps: ['app'] });
    waiters.queued([task()]);
    await pass(0);
    expect(outcomes).toEqual({ right: true });
  });

  it('are woken when tasks become due, one for each', async () => {
    queue.due = [{ runAt: clock.time + 1_000 }, { runAt: clock.time + 1_000 }];
    for (const name of ['a', 'b', 'c']) wait(name);
    await pass(999);
    expect(outcomes).toEqual({});
    await pass(1);
    expect(outcomes).toEqual({ a: true, b: true });
  });

  it('hear of a task that will be due before the one they knew of', async () => {
    queue.due = [{ runAt: clock.time + 5_000 }];
    wait('a');
    queue.due.unshift({ runAt: clock.time + 1_000 });
    waiters.queued([task({ runAt: clock.time + 1_000 })]);
    await pass(1_000);
    expect(outcomes).toEqual({ a: true });
  });

  it('look again when a task came between their look and their wait, and nobody was woken for it', async () => {
    waiters.queued([task()]);
    wait('a');
    await pass(5);
    expect(outcomes).toEqual({ a: true });
  });

  it('do not look again for a task that another was woken for', async () => {
    wait('a');
    waiters.queued([task()]);
    wait('b');
    await pass(1_000);
    expect(outcomes).toEqual({ a: true });
  });

  it('all look again when one could not take what it was woken for', async () => {
    for (const name of ['a', 'b', 'c']) wait(name);
    wait('other type', { taskTypes: ['clone'] });
    waiters.queued([task()]);
    waiters.lookAgain(['index']);
    await pass(0);
    expect(outcomes).toEqual({ a: true, b: true, c: true });
  });

  it('all look for themselves when the view cannot be used', async () => {
    queue.due = [{ runAt: clock.time + 1_000 }];
    queue.fails = true;
    for (const name of ['a', 'b']) wait(name);
    await pass(1_000);
    expect(outcomes).toEqual({ a: true, b: true });
  });

  it('sleep through tasks of a type that is closed, and are woken by its opening', async () => {
    waiters.close('index');
    for (const name of ['a', 'b', 'c']) wait(name);
    waiters.queued([task(), task()]);
    await pass(100);
    expect(outcomes).toEqual({});
    waiters.open('index', 5);
    await pass(0);
    // No more than there are tasks.
    expect(outcomes).toEqual({ a: true, b: true });
    waiters.queued([task()]);
    await pass(0);
    expect(outcomes).toEqual({ a: true, b: true, c: true });
  });

  it('are woken no more of than there are places, and only those for whom there is a task', async () => {
    queue.ready = (_, most, apps) => (apps?.includes('shop') ? 0 : most);
    wait('other app', { ...INDEX, apps: ['shop'] });
    for (const name of ['a', 'b']) wait(name);
    waiters.wake('index', 1);
    await pass(0);
    expect(outcomes).toEqual({ a: true });
  });

  it('look once more when the type was opened between their look and their wait', async () => {
    waiters.close('index');
    waiters.open('index', 1);
    wait('a');
    await pass(5);
    expect(outcomes).toEqual({ a: true });
    waiters.close('index');
    wait('b');
    await pass(100);
    expect(outcomes).toEqual({ a: true });
  });

  it('end, and take no wake-up with them, when their caller is gone', async () => {
    const caller = new AbortController();
    const left = waiters.wait(INDEX, LONG, queue, caller.signal);
    wait('b');
    caller.abort();
    expect(await left).toBe(false);
    expect(await waiters.wait(INDEX, LONG, queue, caller.signal)).toBe(false);
    waiters.queued([task()]);
    await pass(0);
    expect(outcomes).toEqual({ b: true });
  });

  it('leave nothing in memory, nor do the types that tasks had', async () => {
    for (let n = 0; n < 100; n++) {
      wait(`w${n}`, { taskTypes: [`t${n}`] });
      clock.time += 100;
      waiters.queued([task({ taskType: `t${n}` })]);
    }
    await pass(0);
    expect(Object.keys(outcomes)).toHaveLength(100);
    const { waiting, news } = waiters as unknown as Record<
      'waiting' | 'news',
      Map<string, unknown>
    >;
    expect(waiting.size).toBe(0);
    expect(news.size).toBeLessThan(20);
  });
});
