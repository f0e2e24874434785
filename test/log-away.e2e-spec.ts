import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type BatchAnswer, type CommandAnswer, LIMITS } from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { EventStoreDbServer } from './eventstoredb-server/index.js';
import { settingsFor } from './on-eventstoredb/on-eventstoredb.js';
import { type Service, startService } from './service.js';
import { RawTcp } from './transport-raw.js';

const TIMEOUT_MS = 2_000;
/** For a busy machine. */
const SLACK_MS = 2_000;
const COMMANDS = 4;

/** The guide on EventStoreDB says how long each may wait for a cluster that is away. */
describe('A service whose cluster does not answer', () => {
  let server: EventStoreDbServer;
  let service: Service;
  let client: RawTcp;
  let prefix: string;

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    const cluster = settingsFor(server.connectionString, 'log-away');
    prefix = cluster['EVENTSTOREDB_STREAM_PREFIX'] ?? '';
    service = await startService({
      ...cluster,
      EVENTSTOREDB_TIMEOUT_MS: String(TIMEOUT_MS),
    });
    client = await RawTcp.connect(service.port);
  });
  afterEach(async () => {
    server.faults.clear();
    await client.end();
    await service.close();
    await server.close();
  });

  const create = async () => {
    const id = randomUUID();
    const task = { id, name: 'n', taskType: 'clone', appName: 'app' };
    await client.ok('tasks.command.create_task', task);
    return id;
  };

  it.each([
    ['about one task each', () => Promise.all(Array.from({ length: COMMANDS }, create))],
    ['all about one task', async () => Array<string>(COMMANDS).fill(await create())],
  ])('answers UNAVAILABLE in time: many commands, %s', async (_, tasks) => {
    const ids = await tasks();
    server.faults.set({ appends: { kind: 'drop' } });
    const began = performance.now();
    const answers = await Promise.all(
      ids.map(async (id, data) => {
        const { code } = await client.refused('tasks.command.update_task_data', { id, data });
        return { code, inTime: performance.now() - began < TIMEOUT_MS + SLACK_MS };
      }),
    );
    expect(answers).toEqual(ids.map(() => ({ code: 'UNAVAILABLE', inTime: true })));
  });

  it('answers a query for what the view has not reached after the 2 s that it waits', async () => {
    const { position } = await client.ok<CommandAnswer>('tasks.command.start_task', {
      id: await create(),
    });
    const [logId, offset] = position.split(':');
    const after = `${logId}:${String(Number(offset) + 1_000_000).padStart(20, '0')}`;
    server.faults.set({ reads: { kind: 'drop' } });
    const began = performance.now();
    await client.refused('tasks.query.list_tasks', { meta: { after } });
    expect(performance.now() - began).toBeLessThan(LIMITS.afterMs + SLACK_MS);
  });

  it('refuses no command whose append the cluster may still begin', async () => {
    const id = await create();
    await client.ok('tasks.command.start_task', { id });
    // Both tries of one append, which has two commands.
    const stream = `${prefix}task-${id}`;
    server.faults.set({ appends: { kind: 'delay', milliseconds: 2 * TIMEOUT_MS, stream } });
    const send = (name: string, commandId: string) =>
      client.request(`tasks.command.${name}`, { id, meta: { commandId } });
    const [pause, resume] = [randomUUID(), randomUUID()];
    const first = await client.ok<BatchAnswer>('tasks.command.batch', {
      commands: [
        { command: 'pause_task', args: { id }, meta: { commandId: pause } },
        { command: 'resume_task', args: { id }, meta: { commandId: resume } },
      ],
    });
    const code = 'UNAVAILABLE';
    expect(first.results).toMatchObject([{ error: { code } }, { error: { code } }]);
    // The second one comes again first: the task runs, as far as anybody knows.
    let again = await send('resume_task', resume);
    expect(again.err?.code).toBe('UNAVAILABLE');
    const until = performance.now() + 3 * TIMEOUT_MS;
    while (again.err?.code === 'UNAVAILABLE' && performance.now() < until) {
      await setTimeout(50);
      again = await send('resume_task', resume);
    }
    expect(again).toMatchObject({ response: { repeated: true, status: 'running' } });
    expect(await send('pause_task', pause)).toMatchObject({ response: { repeated: true } });
    const refused = await client.ok('tasks.query.query_audit', { taskIds: [id], refused: true });
    expect(refused).toMatchObject({ events: [] });
  });
});
