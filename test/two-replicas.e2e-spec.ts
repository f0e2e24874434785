import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type CommandAnswer, TaskManager } from '@taskmanager/client';
import {
  type ClaimAnswer,
  commandSubject,
  type CommandName,
  type ErrorBody,
} from '@taskmanager/protocol';
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { readClusterLog } from './crash/cluster-rows.js';
import { filterIdOf, Journal, type SentCommand } from './crash/journal.js';
import { checkLog, effectsOf } from './crash/log-checks.js';
import type { LogRow } from './crash/log-rows.js';
import { Random } from './crash/random.js';
import { APP } from './crash/sender.js';
import { checkViews } from './crash/view-checks.js';
import {
  type SpawnedEventStoreDbServer,
  spawnEventStoreDbServer,
} from './eventstoredb-server/index.js';
import { type Broker, startBroker } from './nats.js';
import { settingsFor } from './on-eventstoredb/on-eventstoredb.js';
import { type ServiceProcess, spawnService } from './service.js';

const TASKS = 8;
const ROUNDS = 8;
/** About one task at one time. */
const AT_ONCE = 12;
const CLAIMED = 30;
const WORKERS = 12;
const TIMEOUT_MS = 20_000;

interface Reply {
  readonly response?: unknown;
  readonly err?: ErrorBody;
}

/** Two services, as two machines would run them: each with views of its own, one log, one queue group. */
describe('Two replicas', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = new Random(seed);
  const journal = new Journal();
  let broker: Broker;
  let server: SpawnedEventStoreDbServer;
  let prefix: string;
  let replicas: ServiceProcess[];
  let nats: NatsConnection;

  beforeAll(async () => {
    process.stdout.write(`two replicas: seed ${seed}\n`);
    broker = await startBroker();
    server = await spawnEventStoreDbServer();
    const shared = settingsFor(server.connectionString, 'shared by both');
    prefix = shared['EVENTSTOREDB_STREAM_PREFIX']!;
    const start = () => spawnService({ ...shared, NATS_URL: broker.url, LOG_LEVEL: 'debug' });
    replicas = await Promise.all([start(), start()]);
    for (const replica of replicas) {
      while (!/NATS\s+nats:/.test(replica.output())) await setImmediate();
    }
    nats = await connect({ servers: broker.url });
  });

  afterAll(async () => {
    await nats?.close();
    for (const replica of replicas ?? []) {
      await replica.stop('SIGKILL');
      replica.forget();
    }
    await server?.close();
    await broker?.stop();
  });

  const ask = async (subject: string, data: object): Promise<Reply> =>
    (
      await nats.request(subject, JSON.stringify({ id: randomUUID(), data }), {
        timeout: TIMEOUT_MS,
      })
    ).json<Reply>();

  async function send(actor: string, name: CommandName, id: string, args: object = {}) {
    const command = journal.send(actor, name, id, { id, ...args });
    const meta = { actor: { id: actor }, commandId: command.commandId };
    const { err, response } = await ask(commandSubject(name), { ...command.args, meta });
    if (err) journal.refused(command, err.code, err.message);
    else journal.answered(command, response as CommandAnswer);
    return command;
  }

  const create = async (fields: object = {}): Promise<string> => {
    const id = randomUUID();
    await send('maker', 'create_task', id, {
      name: 'Wanted by many',
      taskType: 'contested',
      appName: APP,
      maxRetries: 1_000,
      ...fields,
    });
    return id;
  };

  const read = () => readClusterLog(server.connectionString, prefix);

  /** What an actor wants of the task, whatever the others do to it meanwhile. */
  const wish = (): [CommandName, object] => {
    const name = random.weighted<CommandName>({
      start_task: 4,
      pause_task: 4,
      resume_task: 4,
      update_task_data: 2,
      update_task_progress: 2,
      fail_task: 1,
      retry_task: 2,
    });
    const fields: Partial<Record<CommandName, object>> = {
      update_task_data: { data: random.int(1, 1_000) },
      update_task_progress: { completedItems: random.int(1, 1_000), totalItems: 1_000 },
      fail_task: { error: 'Wanted so' },
    };
    return [name, fields[name] ?? {}];
  };

  it('let exactly one of many conflicting commands have each revision, and refuse the others without a trace', async () => {
    const ids = await Promise.all(Array.from({ length: TASKS }, () => create()));
    for (let round = 0; round < ROUNDS; round++) {
      const wishes = ids.flatMap((id) =>
        Array.from({ length: AT_ONCE }, (_, n) => send(`actor-${n}`, ...withId(id, wish()))),
      );
      await Promise.all(wishes);
    }
    // An end can be had once only, by whoever is first.
    const ending = await Promise.all(ids.map(() => create()));
    await Promise.all(ending.map((id) => send('maker', 'start_task', id)));
    const ends = await Promise.all(
      ending.flatMap((id) =>
        Array.from({ length: AT_ONCE }, (_, n) =>
          send(`actor-${n}`, n % 2 === 0 ? 'complete_task' : 'cancel_task', id),
        ),
      ),
    );

    const rows = await read();
    expect(checkLog(rows, journal)).toEqual([]);
    expect(journal.unexpected).toEqual([]);
    const commands = [...journal.commands.values()];
    for (const id of [...ids, ...ending]) {
      expect(wonRevisions(commands, id)).toEqual(revisionsOf(rows, id));
    }
    for (const id of ending) {
      const winners = ends.filter(({ taskId, answer }) => taskId === id && answer?.events.length);
      expect(winners).toHaveLength(1);
    }
    expect(commands.filter(({ refusedWith }) => refusedWith).length).toBeGreaterThan(TASKS);
    // Both have had a part in it: each tells what it refused.
    for (const replica of replicas) expect(replica.output()).toMatch(/INVALID_TRANSITION/);
  });

  it('give each pending task to one worker only', async () => {
    const fields = { taskType: 'claimed', runBy: 'worker' };
    const ids = await Promise.all(Array.from({ length: CLAIMED }, () => create(fields)));
    const claims = await Promise.all(
      Array.from({ length: WORKERS }, async (_, n) => {
        const workerId = `worker-${n}`;
        const taken: string[] = [];
        while (taken.length < CLAIMED) {
          const args = { workerId, taskTypes: ['claimed'], limit: 2, waitMs: 500 };
          const filter = journal.send(workerId, 'claim_tasks', '', args);
          const { commandId } = filter;
          const meta = { actor: { id: workerId, roles: ['worker'] }, commandId };
          const { err, response } = await ask(commandSubject('claim_tasks'), { ...args, meta });
          expect(err).toBeUndefined();
          const { tasks } = response as ClaimAnswer;
          for (const { id } of tasks) taken.push(`${id} ${filterIdOf(filter, id)}`);
          if (tasks.length === 0) break;
        }
        return taken;
      }),
    );

    const rows = await read();
    expect(checkLog(rows, journal)).toEqual([]);
    const started = rows.filter(
      ({ stream, type }) => type === 'TaskStarted' && ids.includes(stream.slice('task-'.length)),
    );
    const stored = started.map(
      ({ stream, metadata }) =>
        `${stream.slice('task-'.length)} ${(JSON.parse(metadata) as { commandId: string }).commandId}`,
    );
    expect(stored).toHaveLength(CLAIMED);
    expect(claims.flat().sort()).toEqual(stored.sort());
  });

  it('show the same, each from its own views', async () => {
    const rows = await read();
    expect(effectsOf(rows).size).toBeGreaterThan(0);
    for (const { port } of replicas) {
      const client = await TaskManager.connect({ transport: 'tcp', port, actor: APP });
      expect(await checkViews(client, rows)).toEqual([]);
      await client.close();
    }
  });
});

const withId = (id: string, [name, args]: [CommandName, object]): [CommandName, string, object] => [
  name,
  id,
  args,
];

/** The revisions that accepted commands about a task were answered with: each by one of them. */
function wonRevisions(commands: readonly SentCommand[], id: string): number[] {
  return commands
    .filter(({ taskId }) => taskId === id)
    .flatMap(({ answer }) => answer?.events ?? [])
    .map(({ revision }) => revision)
    .sort((a, b) => a - b);
}

function revisionsOf(rows: readonly LogRow[], id: string): number[] {
  return rows
    .filter(({ stream }) => stream === `task-${id}`)
    .map(({ revision }) => Number(revision));
}
