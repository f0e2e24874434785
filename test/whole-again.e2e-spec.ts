import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client';
import { type TaskListenerEvent, TaskManager } from '@taskmanager/client';
import type { Position } from '@taskmanager/protocol';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessorStore } from '../src/event-store/index.js';
import { readClusterLog } from './crash/cluster-rows.js';
import { checkViews } from './crash/view-checks.js';
import { EventStoreDbServer } from './eventstoredb-server/index.js';
import { freePort } from './nats.js';
import { settingsFor } from './on-eventstoredb/on-eventstoredb.js';
import { type Service, startService } from './service.js';

const APP = 'registry';

describe('A service whose log is in a cluster, started again without its local files', () => {
  let server: EventStoreDbServer;
  let folder: string;
  let port: number;
  let service: Service;
  let client: TaskManager;

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    folder = mkdtempSync(join(tmpdir(), 'whole-again-'));
    port = await freePort();
    await start();
  });
  afterEach(async () => {
    await stop();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const settings = () => settingsFor(server.connectionString, folder);
  async function start(): Promise<void> {
    service = await startService({ ...settings(), DATA_DIR: folder, TCP_PORT: String(port) });
    client = await TaskManager.connect({ transport: 'tcp', port, appName: APP });
  }
  async function stop(): Promise<void> {
    await client.close();
    await service.close();
  }
  async function startWithoutFiles(): Promise<void> {
    await stop();
    expect(existsSync(join(folder, 'views.db'))).toBe(true);
    expect(existsSync(join(folder, 'log.db'))).toBe(false);
    rmSync(folder, { recursive: true });
    await start();
  }

  /** Tasks that have come as far as each status, some with a history and one that is deleted. */
  async function makeTasks(): Promise<string[]> {
    const steps: ((id: string) => Promise<unknown>)[] = [
      (id) => client.startTask(id),
      (id) => client.updateTaskProgress(id, 1, 3),
      (id) => client.pauseTask(id),
      (id) => client.resumeTask(id),
      (id) => client.requestApproval(id),
      (id) => client.approveTask(id),
      (id) => client.completeTask(id, { result: { files: 3 } }),
      (id) => client.deleteTask(id),
    ];
    const ids: string[] = [];
    for (let far = 0; far <= steps.length; far++) {
      const id = await client.createTask(`Task ${far}`, 'publish', APP, { far }, { priority: far });
      for (const step of steps.slice(0, far)) await step(id);
      ids.push(id);
    }
    const failed = await client.createTask('Task that fails', 'import_files');
    await client.startTask(failed);
    await client.markTaskAsFailed(failed, 'no space left');
    // What is refused is in the log too.
    await expect(client.resumeTask(failed)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    return [...ids, failed];
  }

  /** Everything that a program can ask about them. */
  async function shown(ids: readonly string[]) {
    const answer = <T>(asked: Promise<T>) =>
      asked.catch((error: unknown) => (error as { code: string }).code);
    const each = async <T>(ask: (id: string) => Promise<T>) =>
      Promise.all(ids.map(async (id) => answer(ask(id))));
    return {
      listed: await client.listTasks({ sort: 'createdAt' }),
      found: await client.listTasks({ text: 'Task 3' }),
      stats: await client.taskStats(),
      single: await each((id) => client.getTask(id)),
      histories: await each((id) => client.getTaskHistory(id)),
      feed: (await client.readEvents({ from: 'start' })).events,
    };
  }

  /** What sagas write beside the log whenever they run. */
  const OF_SAGAS = /^_[^.]*\.(lease|checkpoint)-/;

  /** All that the cluster holds, of the log and beside it, but for that. */
  async function stored(): Promise<string[]> {
    const bare = EventStoreDBClient.connectionString(server.connectionString);
    const lines: string[] = [];
    for await (const { event } of bare.readAll({ direction: FORWARDS, fromPosition: START })) {
      if (!event || OF_SAGAS.test(event.streamId)) continue;
      lines.push(`${event.streamId} ${event.revision} ${event.type} ${event.id}`);
    }
    await bare.dispose();
    return lines;
  }

  it('shows every task, list, count and history as before', async () => {
    const ids = await makeTasks();
    const before = await shown(ids);
    expect(before.listed).toHaveLength(ids.length - 1);

    await startWithoutFiles();
    expect(await shown(ids)).toEqual(before);
    const prefix = settings()['EVENTSTOREDB_STREAM_PREFIX']!;
    const rows = await readClusterLog(server.connectionString, prefix);
    expect(await checkViews(client, rows)).toEqual([]);
  });

  it('writes nothing into the log for it, and knows again what was sent', async () => {
    const ids = await makeTasks();
    const commandId = '0198f7a2-7f0e-7abc-8def-0123456789ac';
    const first = await client.pauseTask(ids[1]!, { commandId });
    await client.resumeTask(ids[1]!);
    await stop();
    const before = await stored();

    rmSync(folder, { recursive: true });
    await start();
    // By then the view is built, and every processor has seen all there is.
    expect((await client.listTasks()).length).toBe(ids.length - 1);
    expect(await client.pauseTask(ids[1]!, { commandId })).toEqual({ ...first, repeated: true });
    await stop();
    expect(await stored()).toEqual(before);
    await start();
  });

  it('keeps what processors had reached, and who ran them', async () => {
    await makeTasks();
    const { events } = await client.readEvents({ from: 'start' });
    const position = events.at(5)!.position as Position;
    const store = service.app.get(ProcessorStore);
    await store.moveCheckpoint('mailer', undefined, position);
    await store.acquireLease('mailer', 'replica-1', 60_000, 1_000);
    const parked = {
      processor: 'mailer',
      stream: `task-${events[3]!.taskId}`,
      position: events[3]!.position as Position,
      eventId: '0198f7a2-7f0e-7abc-8def-0123456789ad',
      revision: events[3]!.revision,
      error: 'mailbox full',
      attempts: 5,
      parkedAt: 2_000,
    };
    await store.park(parked);

    await startWithoutFiles();
    const again = service.app.get(ProcessorStore);
    expect(await again.readCheckpoint('mailer')).toBe(position);
    expect(await again.listParked('mailer')).toEqual([parked]);
    expect(await again.acquireLease('mailer', 'replica-2', 1, 2_000)).toBeUndefined();
    expect(await again.moveCheckpoint('mailer', undefined, position)).toBe(false);
  });

  it('lets readers of the feed go on from where they were', async () => {
    const reader = await TaskManager.connect({ transport: 'tcp', port, actor: 'reader' });
    const heard: string[] = [];
    let wake = () => {};
    await reader.addTaskEventListener((event: TaskListenerEvent, { taskId, revision }) => {
      heard.push(`${event} ${taskId} ${revision}`);
      wake();
    });
    const first = await client.createTask('Before', 'publish');
    const page = await client.readEvents({ from: 'start' });

    await startWithoutFiles();
    const second = await client.createTask('After', 'publish');
    await client.startTask(first);
    const expected = [
      `task_created ${first} 0`,
      `task_created ${second} 0`,
      `task_status_updated ${first} 1`,
    ];
    await new Promise<void>((resolve) => {
      wake = () => heard.length >= expected.length && resolve();
      wake();
    });
    expect(heard).toEqual(expected);
    const { events } = await client.readEvents({ from: page.position! });
    expect(events.map(({ taskId, revision }) => `${taskId} ${revision}`)).toEqual([
      `${second} 0`,
      `${first} 1`,
    ]);
    await reader.close();
  });
});
