import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { LogUnavailable, type SubscribeOptions } from '../../event-store/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { ProgressUpdated, TaskStarted } from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { message } from '../views.fixture.js';
import { FeedFilter } from './feed-filter.js';
import { FeedTail } from './feed-tail.js';
import { FeedWaiters } from './feed-waiters.js';
import { ReadEvents } from './read-events.query.js';

const LONG = 20_000;
const everything = new FeedFilter(message(ReadEvents), undefined);

describe('waiting for events', () => {
  const tasks = new TaskLog(new MemoryEventLog());
  let tail: FeedTail;

  beforeEach(() => {
    tail = new FeedTail(tasks.log);
    tail.onApplicationBootstrap();
  });
  afterEach(() => tail.onModuleDestroy());

  it('is over at once when the event came between the reading and the wait', async () => {
    const id = await tasks.create();
    const before = (await tasks.log.head())!;
    // The tail begins behind this one, and sees the next.
    while (!tail.isAt(before)) await tail.wait(before, everything, 1);
    const now = await tasks.append(id, new TaskStarted({ attempt: 1 }));
    while (!tail.isAt(now)) await new Promise((resolve) => setImmediate(resolve));
    expect(tail.wait(before, everything, LONG)).toBe('event');
    const one = new FeedFilter(message(ReadEvents, { events: ['started'] }), undefined);
    expect(tail.wait(before, one, LONG)).toBe('event');
  });

  it('is over at once when what is in memory does not reach back so far', async () => {
    await tasks.create();
    const head = await tasks.log.head();
    while (!tail.isAt(head)) await new Promise((resolve) => setImmediate(resolve));
    expect(tail.wait(undefined, everything, LONG)).toBe('event');
  });

  it('is not ended by an event that the reader has had', async () => {
    const id = await tasks.create();
    await tasks.append(id, new ProgressUpdated({ progress: 1 }));
    await tasks.append(id, new ProgressUpdated({ progress: 2 }));
    const [old, next] = tasks.stored.slice(-2);
    const waiters = new FeedWaiters();
    const waiting = waiters.add(old!.position, everything, LONG);
    waiters.wake(old!);
    expect(waiters.size).toBe(1);
    waiters.wake(next!);
    expect(waiters.size).toBe(0);
    expect(await waiting).toBe('event');
  });
});

/** Refuses subscriptions while `failing`, and ends those that are open. */
class FailingLog extends MemoryEventLog {
  readonly asked: number[] = [];
  private failures = 0;
  private outage = new AbortController();

  fail(times: number): void {
    this.failures = times;
    this.outage.abort();
    this.outage = new AbortController();
  }

  override subscribe(options: SubscribeOptions) {
    this.asked.push(performance.now());
    if (this.failures-- > 0) throw new LogUnavailable('it is away', false);
    const signal = AbortSignal.any([options.signal!, this.outage.signal]);
    return super.subscribe({ ...options, signal });
  }
}

describe('the tail of the feed', () => {
  it('comes back after each outage of the log, after growing pauses, and tells of each once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const log = new FailingLog();
    const tasks = new TaskLog(log);
    const tail = new FeedTail(log);
    tail.onApplicationBootstrap();
    for (let outage = 1; outage <= 2; outage++) {
      const id = await tasks.create();
      const before = await log.head();
      while (!tail.isAt(before)) await tail.wait(before, everything, 1);
      log.asked.length = 0;
      log.fail(3);
      const waiting = tail.wait(before, everything, LONG);
      await tasks.append(id, new TaskStarted({ attempt: 1 }));
      expect(await waiting).toBe('event');
      expect(warn).toHaveBeenCalledTimes(outage);
      const pauses = log.asked.slice(1).map((at, n) => at - log.asked[n]!);
      for (const [n, least] of [50, 100, 200].entries()) {
        expect(pauses[n]).toBeGreaterThanOrEqual(least - 1);
      }
    }
    await tail.onModuleDestroy();
    warn.mockRestore();
  });
});
