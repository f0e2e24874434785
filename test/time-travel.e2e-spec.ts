/** A task at any point of its life, beside two other readings of the same log. `SEED` repeats a run. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { type TaskInfo, type TaskPoint, VISIBLE_STATUSES } from '@taskmanager/protocol';
import type { RecordedEvent } from '../src/event-store/index.js';
import { MemoryEventLog } from '../src/event-store/memory/index.js';
import { copyEvents } from '../src/log-copy/copy-events.js';
import { ListTasks } from '../src/projections/tasks/list-tasks.query.js';
import { message, temporaryFolder, Views } from '../src/projections/views.fixture.js';
import { Random } from './crash/random.js';
import { eventsOf } from './log-copy-fixture.js';
import { liveByChance } from './model/random-lives.js';
import { foldStored } from './model/task-fold.js';
import { type Service, startService } from './service.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const POINTS = 1_000;
const VIEWS = 30;

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
    ids = await liveByChance(client, clients, random, { tasks: 60, commands: 60 });
    await Promise.all(clients.slice(1).map((each) => each.close()));
    log = await eventsOf(service.log);
    expect(log.length).toBeGreaterThan(POINTS / 2);
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
    expect([...statuses].sort()).toEqual([...VISIBLE_STATUSES, 'deleted'].sort());
  });

  it(`is the row of a view that was built up to there, at ${VIEWS} places of the log`, async () => {
    const folder = temporaryFolder();
    const part = new MemoryEventLog();
    const views = await Views.over(part, folder.path('views.db'));
    const reached = new Map<string, number>();
    const step = Math.ceil(log.length / VIEWS);
    for (let end = step; end < log.length + step; end += step) {
      const stretch = log.slice(end - step, end);
      await copyEvents(service.log, part, {
        after: log[end - step - 1]?.position,
        until: stretch.at(-1)!.position,
        appendsAtOnce: 1,
      });
      for (const { stream, revision } of stretch) reached.set(stream, Number(revision));
      await views.reach((await part.head())!);
      const { tasks } = await views.ask<{ tasks: TaskInfo[] }>(message(ListTasks, { limit: 500 }));
      const rows = new Map(tasks.map((task) => [task.id, plain(task)]));
      for (const id of ids) {
        const revision = reached.get(`task-${id}`);
        if (revision === undefined) continue;
        const past = await client.getTaskAt(id, { revision });
        expect(past.status === 'deleted' ? undefined : past).toEqual(rows.get(id));
      }
    }
    await views.close();
    folder.remove();
  });

  it('differs between two points by what the diff says, and by nothing else', async () => {
    for (let n = 0; n < 200; n++) {
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
