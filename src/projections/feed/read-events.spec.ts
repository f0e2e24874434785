import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FeedEvent, FeedPage } from '@taskmanager/protocol';
import { MemoryEventLog, MemoryLogStorage } from '../../event-store/memory/index.js';
import {
  ProgressUpdated,
  TaskCompleted,
  TaskDataUpdated,
  TaskStarted,
} from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { message, temporaryFolder, Views } from '../views.fixture.js';
import { ReadEvents } from './read-events.query.js';

const LONG = 20_000;

describe('read_events', () => {
  const folder = temporaryFolder();
  let storage: MemoryLogStorage;
  let tasks: TaskLog;
  let views: Views;
  let files = 0;

  beforeEach(async () => {
    storage = new MemoryLogStorage();
    tasks = new TaskLog(new MemoryEventLog(storage));
    views = await open();
  });
  afterEach(async () => {
    await views.close();
  });
  afterAll(() => folder.remove());

  const open = () =>
    Views.over(new MemoryEventLog(storage), folder.path(`views-${(files += 1)}.db`));
  const read = (fields: Partial<ReadEvents> = {}, apps?: string[]) =>
    views.ask<FeedPage>(message(ReadEvents, fields), apps ? { apps } : {});
  const keys = (events: readonly FeedEvent[]) => events.map(({ position }) => position);

  /** As a listener does: asks again from where the last answer ended. */
  async function follow(fields: Partial<ReadEvents>, until: (seen: FeedEvent[]) => boolean) {
    const seen: FeedEvent[] = [];
    let from = fields.from ?? 'start';
    while (!until(seen)) {
      const page = await read({ ...fields, from, waitMs: LONG });
      seen.push(...page.events);
      from = page.position ?? from;
    }
    return seen;
  }

  it('shows an event as a listener needs it', async () => {
    const id = await tasks.create({ labels: { a: 'b' } });
    const { events, caughtUp, position } = await read();
    const { data, ...rest } = events[0]!;
    expect(rest).toEqual({
      event: 'created',
      type: 'TaskCreated',
      position,
      revision: 0,
      taskId: id,
      taskType: 'publish',
      appName: 'app',
      status: 'pending',
      at: tasks.now,
      actor: { id: 'tester', roles: ['client'], verified: true },
    });
    expect(data).toMatchObject({ labels: { a: 'b' } });
    expect(caughtUp).toBe(true);
  });

  it('loses and doubles nothing for many readers while events are appended', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await tasks.create());
    const total = 405;
    const readers = Array.from({ length: 8 }, (_, n) =>
      follow({ limit: [1, 3, 10, 100][n % 4]! }, (seen) => seen.length >= total),
    );
    const one = ids[2]!;
    const ofOne = follow({ taskIds: [one], limit: 7 }, (seen) => seen.length >= 81);
    for (let n = 0; n < 400; n++) {
      await tasks.append(ids[n % 5]!, new ProgressUpdated({ progress: n % 100 }));
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const expected = tasks.stored.map(({ position }) => position);
    for (const seen of await Promise.all(readers)) expect(keys(seen)).toEqual(expected);
    const wanted = tasks.stored.filter(({ taskId }) => taskId === one);
    expect(keys(await ofOne)).toEqual(wanted.map(({ position }) => position));
  });

  it('starts at now, and wakes the reader with the first event that it wants', async () => {
    const id = await tasks.create();
    const { position: now } = await read({ from: 'now' });
    const waiting = read({ from: now!, events: ['completed'], waitMs: LONG });
    await tasks.append(id, new TaskStarted({ attempt: 1 }));
    await tasks.append(id, new TaskCompleted({ result: 1 }));
    const { events, position } = await waiting;
    expect(events.map(({ event }) => event)).toEqual(['completed']);
    expect(position).toBe(await tasks.log.head());
  });

  it('waits from the first event of an empty log', async () => {
    const waiting = read({ from: 'now', waitMs: LONG });
    await tasks.create();
    expect((await waiting).events).toHaveLength(1);
  });

  it('filters by task, type, app, event and what the reader may see', async () => {
    const one = await tasks.create({ appName: 'one', taskType: 'clone' });
    const two = await tasks.create({ appName: 'two', taskType: 'index' });
    await tasks.append(one, new TaskStarted({ attempt: 1 }));
    await tasks.append(two, new TaskStarted({ attempt: 1 }));
    const of = async (fields: Partial<ReadEvents>, apps?: string[]) =>
      (await read(fields, apps)).events.map(({ event, taskId }) => [event, taskId === one ? 1 : 2]);
    expect(await of({ taskIds: [one] })).toEqual([
      ['created', 1],
      ['started', 1],
    ]);
    expect(await of({ taskTypes: ['index'], events: ['started'] })).toEqual([['started', 2]]);
    expect(await of({ appName: 'one', events: ['created'] })).toEqual([['created', 1]]);
    expect(await of({ events: ['started'] }, ['two'])).toEqual([['started', 2]]);
    expect(await of({ appName: 'one' }, ['two'])).toEqual([]);
  });

  it('answers with the position moved when nothing came in time', async () => {
    const id = await tasks.create();
    const from = (await tasks.log.head())!;
    const waiting = read({ from, events: ['failed'], waitMs: 200 });
    const last = await tasks.append(id, new TaskStarted({ attempt: 1 }));
    expect(await waiting).toEqual({ events: [], position: last, caughtUp: true });
  });

  it('ends after 10,000 events looked at, and goes on from there', async () => {
    const id = await tasks.create();
    for (let n = 0; n < 121; n++) {
      const hundred = Array.from({ length: 100 }, () => new ProgressUpdated({ progress: n }));
      await tasks.append(id, ...hundred);
    }
    await tasks.append(id, new TaskCompleted({}));
    await views.close();
    views = await open();
    const first = await read({ events: ['completed'] });
    expect(first).toMatchObject({ events: [], caughtUp: false });
    const second = await read({ events: ['completed'], from: first.position! });
    expect(second.events).toHaveLength(1);
    expect(second.caughtUp).toBe(true);
  });

  it('stops before the answer outgrows its bytes', async () => {
    const id = await tasks.create();
    for (let n = 0; n < 9; n++) {
      await tasks.append(id, new TaskDataUpdated({ data: 'x'.repeat(120_000) }));
    }
    const first = await read();
    expect(first.events).toHaveLength(7);
    expect(first.caughtUp).toBe(false);
    const rest = await read({ from: first.position! });
    expect(rest.events).toHaveLength(3);
  });

  it('refuses a position of another log, a text that is none, and unknown events', async () => {
    await tasks.create();
    const refused = { code: 'VALIDATION_FAILED' };
    const foreign = `ffffffff:${'0'.repeat(20)}`;
    await expect(read({ from: foreign })).rejects.toMatchObject(refused);
    await expect(read({ from: 'yesterday' })).rejects.toMatchObject(refused);
    await expect(read({ events: ['exploded'] })).rejects.toMatchObject(refused);
  });

  it('answers everybody who waits when the service stops', async () => {
    await tasks.create();
    const waiting = Array.from({ length: 20 }, () => read({ from: 'now', waitMs: LONG }));
    await new Promise((resolve) => setImmediate(resolve));
    await views.close();
    for (const page of await Promise.all(waiting)) expect(page.events).toEqual([]);
    views = await open();
  });
});
