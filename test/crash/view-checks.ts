import { isDeepStrictEqual } from 'node:util';
import { type TaskInfo, type TaskManager, TaskManagerError } from '@taskmanager/client';
import { foldStored } from '../model/task-fold.js';
import { byStream, type LogRow } from './log-rows.js';

const AT_ONCE = 64;
const MOST_DELETED = 50;

/** Each task of the log as the fold of test/model makes it, deleted ones included. */
export function foldLog(rows: readonly LogRow[]): Map<string, TaskInfo> {
  const tasks = new Map<string, TaskInfo>();
  for (const [stream, events] of byStream(rows)) {
    if (!stream.startsWith('task-')) continue;
    const task = foldStored(events);
    if (task) tasks.set(task.id, task);
  }
  return tasks;
}

/**
 * What the service shows of this log that is not so: lists, single tasks, counts, feed and histories.
 * Nobody may write meanwhile.
 */
export async function checkViews(client: TaskManager, rows: readonly LogRow[]): Promise<string[]> {
  const folded = foldLog(rows);
  const visible = new Map([...folded].filter(([, { status }]) => status !== 'deleted'));
  // The feed first: the client asks from then on for views that are as new as the end of the log.
  const feed = await checkFeed(client, rows);
  return [
    ...feed,
    ...(await checkList(client, visible)),
    ...(await checkTasks(client, folded)),
    ...(await checkStats(client, visible)),
    ...(await checkHistories(client, rows)),
  ];
}

async function checkList(
  client: TaskManager,
  expected: ReadonlyMap<string, TaskInfo>,
): Promise<string[]> {
  const problems: string[] = [];
  const listed = new Set<string>();
  for await (const task of client.tasks({ limit: 500, sort: 'createdAt' })) {
    if (listed.has(task.id)) problems.push(`list_tasks shows task ${task.id} twice.`);
    listed.add(task.id);
    problems.push(...compare('list_tasks', task, expected.get(task.id)));
  }
  for (const id of expected.keys()) {
    if (!listed.has(id)) problems.push(`list_tasks does not show task ${id}.`);
  }
  return problems;
}

async function checkTasks(
  client: TaskManager,
  folded: ReadonlyMap<string, TaskInfo>,
): Promise<string[]> {
  const visible = [...folded.values()].filter(({ status }) => status !== 'deleted');
  const deleted = [...folded.values()].filter(({ status }) => status === 'deleted');
  return [
    ...(await eachOf(visible, async (task) =>
      compare('get_task', await client.getTask(task.id), task),
    )),
    ...(await eachOf(deleted.slice(-MOST_DELETED), async ({ id }) => {
      const code = await client.getTask(id).then(
        ({ status }) => `a task that is ${status}`,
        (error: unknown) => (error instanceof TaskManagerError ? error.code : String(error)),
      );
      return code === 'TASK_NOT_FOUND' ? [] : [`get_task of deleted task ${id} answers ${code}.`];
    })),
  ];
}

async function checkStats(
  client: TaskManager,
  visible: ReadonlyMap<string, TaskInfo>,
): Promise<string[]> {
  const counted = [...visible.values()].map(({ status, taskType }) => `${taskType} ${status}`);
  const { total, byStatus, byType } = await client.taskStats();
  const shown = Object.entries(byType).flatMap(([taskType, counts]) =>
    Object.entries(counts).flatMap(([status, count]) =>
      Array.from({ length: count }, () => `${taskType} ${status}`),
    ),
  );
  const statuses = Object.entries(byStatus).flatMap(([status, count]) =>
    Array.from({ length: count }, () => status),
  );
  const same =
    total === visible.size &&
    isDeepStrictEqual(shown.sort(), counted.sort()) &&
    isDeepStrictEqual(statuses.sort(), counted.map((each) => each.split(' ')[1]).sort());
  if (same) return [];
  return [
    `task_stats answers ${JSON.stringify({ total, byStatus, byType })}; the log counts others.`,
  ];
}

async function checkFeed(client: TaskManager, rows: readonly LogRow[]): Promise<string[]> {
  const expected = rows.filter(({ stream }) => stream.startsWith('task-'));
  let from: string | undefined = 'start';
  let place = 0;
  for (;;) {
    const page = await client.readEvents({ from, limit: 1_000 });
    for (const event of page.events) {
      const row = expected[place++];
      const { taskId, revision, type, position, data, at, status, actor } = event;
      if (!row) return [`read_events shows ${type} at ${position}, which the file does not hold.`];
      const metadata = JSON.parse(row.metadata) as Record<string, unknown>;
      const shown = { taskId, revision, type, position, data, at, status, actor };
      const stored = {
        taskId: row.stream.slice('task-'.length),
        revision: Number(row.revision),
        type: row.type,
        position: row.position,
        data: JSON.parse(row.data) as unknown,
        at: metadata['timestamp'],
        status: metadata['status'],
        actor: metadata['actor'],
      };
      if (!isDeepStrictEqual(shown, stored)) {
        return [`read_events shows ${JSON.stringify(shown)} for ${JSON.stringify(stored)}.`];
      }
    }
    from = page.position;
    if (page.caughtUp) break;
  }
  if (place === expected.length) return [];
  return [`read_events shows ${place} events; the file holds ${expected.length}.`];
}

async function checkHistories(client: TaskManager, rows: readonly LogRow[]): Promise<string[]> {
  const streams = [...byStream(rows)].filter(([stream]) => stream.startsWith('task-'));
  return eachOf(streams, async ([stream, events]) => {
    const id = stream.slice('task-'.length);
    const shown: unknown[] = [];
    for await (const event of client.taskHistory(id)) {
      const { type, revision, position, data, metadata } = event;
      shown.push({ id: event.id, type, revision, position, data, metadata });
    }
    const stored = events.map((row) => ({
      id: row.id,
      type: row.type,
      revision: Number(row.revision),
      position: row.position,
      data: JSON.parse(row.data) as unknown,
      metadata: JSON.parse(row.metadata) as unknown,
    }));
    return isDeepStrictEqual(shown, stored)
      ? []
      : [`get_task_history of ${id} is not what the file holds.`];
  });
}

function compare(query: string, shown: TaskInfo, expected: TaskInfo | undefined): string[] {
  if (isDeepStrictEqual(shown, expected)) return [];
  return [`${query} shows ${JSON.stringify(shown)}; the fold: ${JSON.stringify(expected)}.`];
}

async function eachOf<T>(
  items: readonly T[],
  check: (item: T) => Promise<string[]>,
): Promise<string[]> {
  const problems: string[] = [];
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) problems.push(...(await check(item)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return problems;
}
