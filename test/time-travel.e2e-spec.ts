/**
 * A task at any point of its life, beside two other readings of the same log. `SEED` repeats a run,
 * `POINTS` says at how many points.
 */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import {
  type TaskInfo,
  type TaskPoint,
  type TaskPage,
  VISIBLE_STATUSES,
} from '@taskmanager/protocol';
import type { RecordedEvent } from '../src/event-store/index.js';
import { MemoryEventLog } from '../src/event-store/memory/index.js';
import { ListTasks } from '../src/projections/tasks/list-tasks.query.js';
import { message, temporaryFolder, Views } from '../src/projections/views.fixture.js';
import { Random } from './crash/random.js';
import { eventsOf } from './log-copy-fixture.js';
import { liveByChance } from './model/random-lives.js';
import { foldStored } from './model/task-fold.js';
import { type Service, startService } from './service.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const WHOLE = 1_000;
const POINTS = Number(process.env['POINTS'] ?? WHOLE);

describe(`a task at any point of its life (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const streams = new Map<string, RecordedEvent[]>();
  let service: Service;
  let client: TaskManager;
  let log: readonly RecordedEvent[];
  let ids: readonly string[];

  beforeAll(async () => {
    service = await startService();
    const connect = (id: string) => {
      const actor = { id, roles: ['admin'] };
      return TaskManager.connect({ transport: 'tcp', port: service.port, actor, appName: 'app' });
    };
    const clients = await Promise.all(['ann', 'bob', 'carl'].map(connect));
    [client] = clients as [TaskManager];
    ids = await liveByChance(client, clients, random, {
      tasks: Math.ceil(POINTS * 0.09),
      commands: 90,
    });
    await Promise.all(clients.slice(1).map((each) => each.close()));
    log = await eventsOf(service.log);
    expect(log.length).toBeGreaterThan(POINTS);
    for (const event of log) {
      streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
    }
  });
  afterAll(async () => {
    await client?.close();
    await service?.close();
  });

  const historyOf = (id: string): readonly RecordedEvent[] => streams.get(`task-${id}`)!;
  const timeOf = ({ metadata }: RecordedEvent): number =>
    (JSON.parse(metadata) as { timestamp: number }).timestamp;

  it(`is the fold of its events up to there, at ${POINTS} points`, async () => {
    const statuses = new Set<string>();
    for (let n = 0; n < POINTS; n++) {
      const id = random.pick(ids);
      const events = historyOf(id);
      const last = random.int(0, events.length - 1);
      // Times between two events, too.
      const at = timeOf(events[last]!) + random.int(0, 1);
      const byTime = random.chance(0.5);
      const point: TaskPoint = byTime ? { at } : { revision: last };
      const covered = byTime
        ? events.filter((event) => timeOf(event) <= at)
        : events.slice(0, last + 1);
      const found = await client.getTaskAt(id, point);
      expect(found).toEqual(foldStored(covered));
      statuses.add(found.status);
    }
    // A few lives need not come to all of them.
    if (POINTS >= WHOLE)
      expect([...statuses].sort()).toEqual([...VISIBLE_STATUSES, 'deleted'].sort());
  });

  it(`is the row of a view that has come up to there, at ${POINTS} places of the log`, async () => {
    const folder = temporaryFolder();
    const part = new MemoryEventLog();
    const views = await Views.over(part, folder.path('views.db'));
    const places = new Set<number>([log.length - 1]);
    while (places.size < POINTS) places.add(random.int(0, log.length - 1));
    const due = new Map<string, TaskInfo>();
    const reached = new Map<string, RecordedEvent[]>();
    const changed = new Set<string>();
    for (const [place, event] of log.entries()) {
      const { stream, revision } = event;
      await part.append(stream, revision === 0n ? 'no_stream' : revision - 1n, [event]);
      if (stream.startsWith('task-')) {
        reached.set(stream, [...(reached.get(stream) ?? []), event]);
        changed.add(stream);
      }
      if (!places.has(place)) continue;
      // The view goes on from place to place: what it is at one of them depends on all before.
      await views.reach((await part.head())!);
      for (const each of changed) {
        const task = foldStored(reached.get(each)!)!;
        if (task.status === 'deleted') due.delete(task.id);
        else due.set(task.id, task);
      }
      const page = await views.ask<TaskPage>(message(ListTasks, { limit: 500 }));
      expect(page.nextCursor).toBeUndefined();
      const rows = new Map(page.tasks.map((task) => [task.id, plain(task)]));
      // Quicker than the matcher, which is only needed to tell.
      if (!isDeepStrictEqual(byId(rows), byId(due))) expect(rows).toEqual(due);
      changed.clear();
    }
    await views.close();
    folder.remove();
  });

  it('differs between two points by what the diff says, and by nothing else', async () => {
    for (let n = 0; n < POINTS / 5; n++) {
      const id = random.pick(ids);
      const last = historyOf(id).length - 1;
      const [from, to] = [random.int(0, last), random.int(0, last)];
      const before = await client.getTaskAt(id, { revision: from });
      const after = await client.getTaskAt(id, { revision: to });
      const diff = await client.diffTask(id, { revision: from }, { revision: to });
      expect(diff).toMatchObject({
        taskId: id,
        from: { revision: from, at: before.updatedAt },
        to: { revision: to, at: after.updatedAt },
      });
      let patched: unknown = before;
      for (const { path, before: was, after: becomes } of diff.changes) {
        const keys = path.split('/').slice(1).map(unescaped);
        expect(at(before, keys)).toEqual(was);
        expect(at(after, keys)).toEqual(becomes);
        patched = put(patched, keys, becomes);
      }
      expect(patched).toEqual(after);
    }
  });
});

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const byId = (tasks: ReadonlyMap<string, TaskInfo>): TaskInfo[] =>
  [...tasks.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
const unescaped = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');

const at = (value: unknown, keys: readonly string[]): unknown =>
  keys.reduce((branch, key) => (branch as Record<string, unknown> | undefined)?.[key], value);

/** The same, but for what lies at the end of the keys; taken away when it is undefined. */
function put(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  const child = put((value as Record<string, unknown>)[key], rest, leaf);
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    list[Number(key)] = child;
    while (list.length > 0 && list.at(-1) === undefined) list.pop();
    return list;
  }
  const branch = { ...(value as Record<string, unknown>), [key]: child };
  if (child === undefined) delete branch[key];
  return branch;
}
