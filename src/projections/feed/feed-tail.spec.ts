import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
