/**
 * What sagas cost, and how fast they are. Durable commands with sagas and timers running, beside the same
 * service while they are paused, interleaved; and 10,000 failed tasks whose retries are all due at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import { atLeast, atMost, median, report, whole } from './figures.mjs';
import { callsPerSecond, makeTasks, TASKS } from './load.mjs';
import { inTemporaryFolder, withService } from './processes.mjs';

const RETRIES = 10_000;
const RETRIES_MS = 5_000;
/** At a time, so that no call waits past its time limit. */
const CHUNK = 2_000;
const WAIT_MS = 120_000;

export async function sagas({ rounds, seconds, scale }) {
  await inTemporaryFolder((folder) =>
    withClient(folder, (client) => measureCost(client, rounds, seconds)),
  );
  const times = [];
  for (let round = 0; round < rounds; round++) {
    await inTemporaryFolder((folder) =>
      withClient(folder, async (client) => times.push(await retriesMs(client, RETRIES * scale))),
    );
  }
  const ms = median(times);
  report(
    `${whole(RETRIES * scale)} retries due at once`,
    `${whole(ms)} ms`,
    undefined,
    atMost(ms, RETRIES_MS * scale, ' ms'),
  );
}

function withClient(folder, work) {
  return withService(folder, async ({ port }) => {
    const client = await TaskManager.connect({
      transport: 'tcp',
      port,
      appName: 'bench',
      coalesce: true,
      timeoutMs: WAIT_MS,
    });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  });
}

async function measureCost(client, rounds, seconds) {
  const ids = await makeTasks(client);
  let item = 0;
  const call = () => {
    const n = item++;
    const completedItems = Math.floor(n / TASKS);
    return client.updateTaskProgress(ids[n % TASKS], completedItems, 1_000_000_000);
  };
  const caughtUp = async () => void (await client.getTask(ids[0]));
  const rates = { on: [], off: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const kind of ['on', 'off']) {
      await setAll(client, kind === 'off');
      const rate = await callsPerSecond(call, caughtUp, round === 0 ? 1 : seconds);
      if (round > 0) rates[kind].push(rate);
    }
  }
  const [on, off] = [median(rates.on), median(rates.off)];
  report('durable commands, sagas paused', `${whole(off)}/s`);
  report('durable commands, sagas running', `${whole(on)}/s`, on / off, atLeast(on / off, 0.75));
}

/** Everything but the views. */
async function setAll(client, paused) {
  const { processors } = await client.admin.listProcessors();
  for (const { name, kind } of processors) {
    if (kind === 'projection') continue;
    await (paused ? client.admin.pauseProcessor(name) : client.admin.resumeProcessor(name));
  }
}

/** From when the first may be performed until the last is: their timers are held back till all are due. */
async function retriesMs(client, count) {
  await client.admin.pauseProcessor('timers');
  for (let from = 0; from < count; from += CHUNK) {
    const tasks = Array.from({ length: Math.min(CHUNK, count - from) }, async (_, n) => {
      const id = await client.createTask(`task ${from + n}`, 'retrying', 'bench', undefined, {
        runBy: 'app',
        persistent: true,
        retryDelayMs: 1,
      });
      await client.failTask(id, 'It broke.');
    });
    await Promise.all(tasks);
  }
  // All of them are scheduled, for the saga is not held back.
  await until(async () => (await scheduled(client)) === count);
  const start = performance.now();
  await client.admin.resumeProcessor('timers');
  await until(async () => (await client.taskStats()).byStatus.pending === count);
  return performance.now() - start;
}

/** How many retries are waiting for their time, as the service itself counts what is overdue. */
async function scheduled(client) {
  const { processors, head } = await client.admin.listProcessors();
  const saga = processors.find(({ name }) => name === 'retry');
  const timers = processors.find(({ name }) => name === 'timers');
  return saga?.position === head ? timers?.overdue : undefined;
}

async function until(isSo) {
  const deadline = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Not in time: ${isSo}`);
    await delay(20);
  }
}
