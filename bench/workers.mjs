/**
 * How fast a worker in another process hears of what happens, and what it costs that many wait: cancel and
 * pause over TCP and over NATS, and 1,000 workers without work.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { withEndings } from './ending.mjs';
import { atMost, median, quantile, report } from './figures.mjs';
import { processorTime } from './processor-time.mjs';
import { startNats } from './servers.mjs';
import { startServiceOn } from './service-on.mjs';
import { startWorkers } from './workers-apart.mjs';

const TIMES = 100;
const WARM_UP = 10;
const REACH_MS = 100;
const WORKERS = 1_000;
/** Connections of all workers together; more of them would cost nothing but sockets. */
const CONNECTIONS = 10;
/** A claim waits 25 s, a feed 30 s: so long, and each of them was renewed once. */
const IDLE_MS = 30_000;
/** For what is still told about the last work, before it is called idle. */
const SETTLE_MS = 3_000;
const IDLE_PERCENT = 5;
const START_MS = 50;

/** What is done to a task, the type whose handler is to hear of it, and how to the caller. */
const REACHES = [
  ['cancel', 'signalled', (client, id) => client.cancelTask(id)],
  ['pause, without pause points', 'signalled', (client, id) => client.pauseTask(id)],
  ['pause, at a pause point', 'stepping', (client, id) => client.pauseTask(id)],
];

export async function workers({ scale }, eventStore = 'sqlite') {
  await withEndings((own) => measureReach(own, eventStore, TIMES * scale));
  await withEndings((own) => measureWaiting(own, eventStore, scale));
}

async function measureReach(own, eventStore, times) {
  const nats = await startNats(own);
  const { port } = await startServiceOn(eventStore, own, { NATS_URL: nats.url });
  const transports = {
    tcp: { transport: 'tcp', port },
    nats: { transport: 'nats', servers: nats.url },
  };
  for (const [name, target] of Object.entries(transports)) {
    const bench = await startWorkers(own, target, ['signalled', 'stepping'], 1, 1);
    for (const [what, taskType, stop] of REACHES) {
      const reach = () => reachMs(bench, taskType, stop);
      tell(`${what}, over ${name}`, await measured(reach, times), REACH_MS);
    }
    await bench.stop();
  }
}

/** From the call to where the handler hears of it. */
async function reachMs({ client, events }, taskType, stop) {
  const id = await client.createTask('reach', taskType, 'bench', undefined, { runBy: 'worker' });
  await events.of('began', id);
  const start = now();
  await stop(client, id);
  return (await events.of('stopped', id)) - start;
}

async function measureWaiting(own, eventStore, scale) {
  const count = WORKERS * scale;
  const service = await startServiceOn(eventStore, own);
  const target = { transport: 'tcp', port: service.port };
  const bench = await startWorkers(own, target, ['short'], count, CONNECTIONS);
  // As many tasks as workers, so that all of them have worked before they wait.
  await Promise.all(Array.from({ length: count }, () => startMs(bench)));
  while ((await bench.client.taskStats()).byStatus.completed < count) await delay(100);
  await delay(SETTLE_MS);
  const [start, before] = [now(), processorTime(service.pid)];
  await delay(IDLE_MS * scale);
  const percent = ((processorTime(service.pid) - before) / (now() - start)) * 100;
  report(
    `${count} workers wait`,
    `${percent.toFixed(1)} % of a processor`,
    undefined,
    atMost(percent, IDLE_PERCENT, ' %'),
  );
  tell(
    'a task starts while they wait',
    await measured(() => startMs(bench), TIMES * scale),
    START_MS,
  );
}

/** From the call that creates a task to the beginning of its handler. */
async function startMs({ client, events }) {
  const start = now();
  const id = await client.createTask('start', 'short', 'bench', undefined, { runBy: 'worker' });
  return (await events.of('began', id)) - start;
}

async function measured(measure, times) {
  const all = [];
  for (let n = 0; n < WARM_UP + times; n++) {
    const ms = await measure();
    if (n >= WARM_UP) all.push(ms);
  }
  return all;
}

function tell(what, all, bound) {
  const [middle, high] = [median(all), quantile(all, 0.95)];
  const figures = `${middle.toFixed(1)} ms, 95 % within ${high.toFixed(1)} ms`;
  report(what, figures, undefined, atMost(middle, bound, ' ms'));
}

const now = () => performance.timeOrigin + performance.now();
