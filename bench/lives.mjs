/**
 * Whole lives a second: create, claim, one progress, complete, beside BullMQ, pg-boss and graphile-worker
 * on databases that sync every write. Of each system one process makes tasks, 64 at a time, while another
 * works on 64 at once; a run ends when the last one is completed. The runs are interleaved: each round gives
 * a ratio, for the machine may be quicker in one than in another, and the median of these is compared. Each
 * has as many lives in a run as take it some seconds, and stands still in the others' turns.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { withEndings } from './ending.mjs';
import { atLeast, median, perSecond, report, whole } from './figures.mjs';
import { startPostgres, startRedis } from './peers/databases.mjs';
import { INPUT } from './peers/life.mjs';
import { installPeers, versionOf } from './peers/packages.mjs';
import { processorTime } from './processor-time.mjs';
import { startServiceOn } from './service-on.mjs';

const WARM_UP = 1_500;
/** No run takes so long, milliseconds. */
const RUN_MS = 60_000;
const OURS = 'taskmanager';
const LOGS = {
  sqlite: 'log in SQLite, every commit synced',
  eventstoredb: "log in EventStoreDB's test server, on disk",
};
/** What is asked of us, as a part of what each does. */
const PEERS = { bullmq: 0.5, 'pg-boss': 2, 'pg-boss-together': undefined, 'graphile-worker': 2 };

export async function lives({ rounds, seconds, scale }, eventStore = 'sqlite') {
  installPeers();
  await withEndings(async (own) => {
    const servers = await startServers(own, eventStore);
    console.log(`input of ${JSON.stringify(INPUT).length} characters`);
    const systems = [];
    for (const name of [OURS, ...Object.keys(PEERS)]) {
      systems.push(await startSystem(name, servers[name], own));
    }
    for (const system of systems) system.count = await warmUp(system, WARM_UP * scale, seconds);
    for (let round = 0; round < rounds; round++) {
      for (const system of systems) system.runs.push(await run(system, system.count));
    }
    tell(systems);
  });
}

async function startServers(own, eventStore) {
  const redis = await startRedis(own);
  const postgres = await startPostgres(own);
  return {
    [OURS]: { ...(await startServiceOn(eventStore, own)), settings: LOGS[eventStore] },
    bullmq: redis,
    'pg-boss': postgres,
    'pg-boss-together': postgres,
    'graphile-worker': postgres,
  };
}

/** Its producer and its worker, ready. */
async function startSystem(name, server, own) {
  const { settings } = await import(`./peers/${name}.mjs`);
  const peer = name === OURS ? '' : ` ${versionOf(name.replace('-together', ''))}`;
  console.log(`${name}${peer}: ${settings}\n  ${server.settings}`);
  // The worker first: it makes what the producer needs.
  const worker = await startProcess(name, 'worker', server, own);
  const producer = await startProcess(name, 'producer', server, own);
  return { name, server, worker, producer, total: 0, runs: [] };
}

async function startProcess(name, role, server, own) {
  const child = fork(new URL('./lives-process.mjs', import.meta.url), [
    name,
    role,
    JSON.stringify(server),
  ]);
  const ended = once(child, 'exit');
  own(async () => {
    child.kill('SIGCONT');
    if (child.connected) child.disconnect();
    await ended;
  });
  const heard = async () => {
    const [said] = await Promise.race([
      once(child, 'message', { signal: AbortSignal.timeout(RUN_MS) }),
      ended.then(([code]) => {
        throw new Error(`The ${role} of ${name} ended with ${code}.`);
      }),
    ]);
    return said;
  };
  await heard();
  return {
    pid: child.pid,
    ask: async (count) => {
      child.send(count);
      return heard();
    },
    /** Some poll all the time, which is not to cost the others anything. */
    rest: () => child.kill('SIGSTOP'),
    goOn: () => child.kill('SIGCONT'),
  };
}

/** How many lives take about `seconds`, once warm. */
async function warmUp(system, count, seconds) {
  await run(system, count);
  const { rate } = await run(system, count);
  return Math.max(count, Math.round(rate * seconds));
}

async function run(system, count) {
  const { producer, worker } = system;
  for (const each of [producer, worker]) each.goOn();
  try {
    return await measured(system, count);
  } finally {
    for (const each of [producer, worker]) each.rest();
  }
}

async function measured(system, count) {
  system.total += count;
  const before = usage(system);
  const [{ startedAt }, { endedAt }] = await Promise.all([
    system.producer.ask(count),
    system.worker.ask(system.total),
  ]);
  const after = usage(system);
  const cost = after.map((ms, index) => ((ms - before[index]) * 1000) / count);
  return { rate: perSecond(count, endedAt - startedAt), cost };
}

const usage = ({ server, worker, producer }) =>
  [server, worker, producer].map(({ pid }) => processorTime(pid));

function tell(systems) {
  const rateOf = ({ runs }) => median(runs.map(({ rate }) => rate));
  const ours = systems[0].runs;
  for (const system of systems) {
    const rates = system.runs.map(({ rate }) => rate);
    const [server, worker, producer] = [0, 1, 2].map((part) =>
      whole(median(system.runs.map(({ cost }) => cost[part]))),
    );
    const spread = `${whole(Math.min(...rates))} to ${whole(Math.max(...rates))}`;
    const figures = `${whole(rateOf(system))} lives/s (${spread}); µs each: server ${server}, worker ${worker}, producer ${producer}`;
    const ratio = median(system.runs.map(({ rate }, round) => ours[round].rate / rate));
    if (system.name === OURS) report(system.name, figures);
    else {
      const bound = PEERS[system.name];
      report(`${system.name}, ours beside it`, figures, ratio, bound && atLeast(ratio, bound));
    }
  }
}
