import { afterEach, describe, expect, it } from '@jest/globals';
import type { HistoryPage, TaskPage } from '@taskmanager/protocol';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './service.js';
import { RawTcp } from './transport-raw.js';
import { until } from './until.js';

/** The whole service with rules for old tasks, on real SQLite files. */

const folder = mkdtempSync(join(tmpdir(), 'taskmanager-retention-'));
const file = join(folder, 'retention.json');
let services: Service[] = [];
let clients: RawTcp[] = [];

afterEach(async () => {
  for (const client of clients) await client.end();
  for (const service of services) await service.close();
  [services, clients] = [[], []];
  rmSync(join(folder, 'data'), { recursive: true, force: true });
});

async function start(settings?: object): Promise<RawTcp> {
  if (settings) writeFileSync(file, JSON.stringify(settings));
  const service = await startService({
    DATA_DIR: join(folder, 'data'),
    ...(settings && { RETENTION_FILE: file }),
  });
  services.push(service);
  const client = await RawTcp.connect(service.port);
  clients.push(client);
  return client;
}

/** Tasks of a type, ended in this way; answers their ids. */
async function ended(client: RawTcp, count: number, taskType: string, by = 'complete_task') {
  const create = { name: 'n', taskType, appName: taskType === 'index' ? 'ci' : 'shop' };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { taskId: id } = await client.ok<{ taskId: string }>(
        'tasks.command.create_task',
        create,
      );
      await client.ok('tasks.command.start_task', { id });
      const error = by === 'fail_task' ? { error: 'no' } : {};
      if (by !== 'none') await client.ok(`tasks.command.${by}`, { id, ...error });
      return id;
    }),
  );
}

async function left(client: RawTcp, filter: object = {}): Promise<string[]> {
  const { tasks } = await client.ok<TaskPage>('tasks.query.list_tasks', { limit: 500, ...filter });
  return tasks.map(({ id }) => id).sort();
}

describe('Retention', () => {
  it('deletes what its rules say and nothing else, with an event that says who and why', async () => {
    const rules = [
      { maxAgeMs: 0, taskTypes: ['index'] },
      { maxAgeMs: 0, appName: 'shop', statuses: ['failed'] },
      { maxAgeMs: 3_600_000 },
    ];
    const client = await start({ everyMs: 1_000, rules });
    const kept = [
      ...(await ended(client, 3, 'pay')),
      ...(await ended(client, 2, 'index', 'none')),
      ...(await ended(client, 2, 'pay', 'cancel_task')),
    ].sort();
    const [index, failed] = [
      await ended(client, 5, 'index'),
      await ended(client, 4, 'pay', 'fail_task'),
    ];
    await until(async () => (await left(client)).length === kept.length);
    expect(await left(client)).toEqual(kept);
    for (const id of [...index, ...failed]) {
      const history = { id, direction: 'backwards', limit: 1 };
      const { events } = await client.ok<HistoryPage>('tasks.query.get_task_history', history);
      expect(events[0]).toMatchObject({
        type: 'TaskDeleted',
        data: { reason: 'cleanup' },
        actor: { id: 'retention', roles: ['service'], verified: true },
      });
    }
  });

  it('works through more than a batch, and goes on where a stopped service left off', async () => {
    const first = await start();
    for (let n = 0; n < 3; n++) await ended(first, 150, 'index');
    await until(async () => (await left(first)).length === 450);
    await services[0]?.close();
    const rules = [{ maxAgeMs: 0 }];
    const second = await start({ everyMs: 1_000, rules });
    await until(async () => (await left(second)).length <= 250);
    await services[1]?.close();
    const third = await start({ everyMs: 1_000, rules });
    await until(async () => (await left(third)).length === 0);
  });

  it('is off without a file', async () => {
    const client = await start();
    const ids = await ended(client, 2, 'index');
    await until(async () => (await left(client)).length === ids.length);
    expect(services[0]?.app.get(await retention(), { strict: false })).toMatchObject({
      settings: undefined,
    });
  });
});

async function retention() {
  return (await import('../src/retention/retention.js')).Retention;
}
