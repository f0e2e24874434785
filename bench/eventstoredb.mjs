/**
 * The service with its log in EventStoreDB, beside the bare client doing the same against the same
 * server: the test server in a process of its own, which is no database, so that only ratios say
 * something. The runs are interleaved, and medians are compared.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { TaskManager } from '@taskmanager/client';
import { spawnEventStoreDbServer } from '../test/eventstoredb-server/launch.mjs';
import { atLeast, median, perSecond, report, whole } from './figures.mjs';
import { callsPerSecond, makeTasks, TASKS } from './load.mjs';
import { inTemporaryFolder, measureApart, withService } from './processes.mjs';

const EVENTS_PER_TASK = 20;
const PREFIX = 'taskmanager.';
/** What is asked for: this part of what the bare client does. */
const BOUND = 0.5;

/** Durable commands over TCP, 64 in flight, beside appends of events of the same size. */
export async function commands(options) {
  await inTemporaryFolder((folder) =>
    withServer({ folder: join(folder, 'server') }, (url) =>
      measureCommands('server on disk', url, join(folder, 'data'), options),
    ),
  );
  await inTemporaryFolder((folder) =>
    withServer({}, (url) => measureCommands('server in memory', url, folder, options)),
  );
}

/** Reading a log from its beginning, and building the task view from it. */
export async function replay({ rounds, scale }) {
  await inTemporaryFolder((folder) =>
    withServer({}, async (url) => {
      const env = settingsFor(url);
      const tasks = 10_000 * scale;
      const { events } = await adapter({ env }, 'fill', tasks, EVENTS_PER_TASK);
      const each = ({ ms }) => ({ rate: perSecond(events, ms) });
      const medians = await interleaved(rounds, {
        bare: async () => each(await bare('read', url, PREFIX, events)),
        adapter: async () => each(await adapter({ env }, 'read', events)),
        rebuild: async () => {
          const built = await measureApart('./rebuild-view.mjs', [folder], { env });
          if (built.tasks !== tasks) throw new Error(`${built.tasks} tasks, not ${tasks}.`);
          return each(built);
        },
      });
      tell('bare client reads all, parsed', medians.bare, ' events/s');
      against('adapter reads all, parsed', medians.adapter, medians.bare, ' events/s');
      against(`rebuild of ${whole(events)} events`, medians.rebuild, medians.bare, ' events/s');
    }),
  );
}

async function measureCommands(where, url, dataDir, { rounds, seconds }) {
  const env = settingsFor(url);
  const work = async ({ port, child }) => {
    const connect = (coalesce) =>
      TaskManager.connect({ transport: 'tcp', port, appName: 'bench', coalesce });
    const [single, coalescing] = [await connect(false), await connect(true)];
    const ids = await makeTasks(coalescing);
    const run = commandsOn(child, ids, seconds);
    // Warmed up, like the others before each of their runs.
    for (const client of [single, coalescing]) await run(client);
    const { data, metadata } = await bare('newest', url, `${PREFIX}task-${ids[0]}`);
    // A log of its own, so that the service has nothing to do with the adapter's events.
    const apart = { env: { ...env, EVENTSTOREDB_STREAM_PREFIX: 'bench.' } };
    const medians = await interleaved(rounds, {
      bare: () => bare('append', url, seconds, data, metadata),
      adapter: () => adapter(apart, 'append', seconds, data, metadata),
      single: () => run(single),
      coalesced: () => run(coalescing),
    });
    await Promise.all([single, coalescing].map((client) => client.close()));
    console.log(`${where}, an event of ${data.length + metadata.length} characters`);
    tell('bare client, appends', medians.bare, '/s');
    against('adapter, appends', medians.adapter, medians.bare, '/s');
    against('durable commands, one message each', medians.single, medians.bare, '/s');
    against('durable commands, coalesced', medians.coalesced, medians.bare, '/s');
  };
  await withService(dataDir, work, { env });
}

/** Runs of progress updates of all tasks in turn, which end when the view has caught up with the last. */
function commandsOn(service, ids, seconds) {
  let item = 0;
  const usage = async () => {
    service.send('usage');
    const [{ cpu }] = await once(service, 'message');
    return cpu.user + cpu.system;
  };
  return async (client) => {
    const call = () => {
      const n = item++;
      return client.updateTaskProgress(ids[n % TASKS], Math.floor(n / TASKS), 1_000_000_000);
    };
    const [first, before] = [item, await usage()];
    const rate = await callsPerSecond(call, () => client.getTask(ids[0]), seconds);
    return { rate, cpu: ((await usage()) - before) / (item - first) };
  };
}

const bare = (...args) => measureApart('./bare-eventstoredb.mjs', args);
const adapter = (options, ...args) => measureApart('./adapter-eventstoredb.mjs', args, options);

const settingsFor = (url) => ({
  EVENT_STORE: 'eventstoredb',
  EVENTSTOREDB_URL: url,
  EVENTSTOREDB_STREAM_PREFIX: PREFIX,
  NATS_URL: '',
});

async function withServer(options, work) {
  const server = await spawnEventStoreDbServer(options);
  try {
    await work(server.connectionString);
  } finally {
    await server.close();
  }
}

/** Runs each once a round; answers the medians of what they measured, under the same names. */
async function interleaved(rounds, runs) {
  const results = Object.entries(runs).map(([name, run]) => ({ name, run, measured: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const { run, measured } of results) measured.push(await run());
  }
  const medianOf = (measured, field) => median(measured.map((each) => each[field]));
  return Object.fromEntries(
    results.map(({ name, measured }) => [
      name,
      { rate: medianOf(measured, 'rate'), cpu: medianOf(measured, 'cpu') },
    ]),
  );
}

/** `cpu`: µs of processor time that each cost the measured process, if that is known. */
const figures = ({ rate, cpu }, unit) =>
  `${whole(rate)}${unit}${cpu ? `, ${whole(cpu)} µs each` : ''}`;

const tell = (what, measured, unit) => report(what, figures(measured, unit));

function against(what, measured, beside, unit) {
  const ratio = measured.rate / beside.rate;
  report(what, figures(measured, unit), ratio, atLeast(ratio, BOUND));
}
