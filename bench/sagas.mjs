/**
 * What sagas cost, and how fast they are. Durable commands with sagas and timers running, beside the same
 * service while they are paused; the same with a webhook that never answers, beside a service without one;
 * interleaved. And 10,000 failed tasks whose retries are all due at once.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import { atLeast, atMost, median, report, whole } from './figures.mjs';
import { callsPerSecond, makeTasks, TASKS } from './load.mjs';
import { inTemporaryFolder, withService } from './processes.mjs';

/** Of the webhook, in the form of the Standard Webhooks scheme. */
const SECRET = `whsec_${Buffer.alloc(32, 'bench').toString('base64')}`;
const RETRIES = 10_000;
const RETRIES_MS = 5_000;
/** At a time, so that no call waits past its time limit. */
const CHUNK = 2_000;
const WAIT_MS = 120_000;

export async function sagas({ rounds, seconds, scale }) {
  await inTemporaryFolder((folder) =>
    withClient(folder, (client) => measureCost(client, rounds, seconds)),
  );
  await inTemporaryFolder((folder) => measureWebhook(folder, rounds, seconds));
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

function withClient(folder, work, env) {
  const connected = async ({ port }) => {
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
  };
  return withService(folder, connected, { env });
}

async function measureCost(client, rounds, seconds) {
  const load = await progressOf(client);
  const [on, off] = await interleaved(rounds, seconds, [
    async () => (await setAll(client, false), load),
    async () => (await setAll(client, true), load),
  ]);
  report('durable commands, sagas paused', `${whole(off)}/s`);
  report('durable commands, sagas running', `${whole(on)}/s`, on / off, atLeast(on / off, 0.75));
}

/** A service whose webhook never answers, beside one that has none. */
async function measureWebhook(folder, rounds, seconds) {
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const url = `http://127.0.0.1:${hanging.address().port}`;
  const file = join(folder, 'endpoints.json');
  writeFileSync(file, JSON.stringify({ webhooks: [{ name: 'hanging', url, secret: SECRET }] }));
  try {
    await withClient(
      join(folder, 'with'),
      (one) =>
        withClient(join(folder, 'without'), async (other) => {
          const loads = [await progressOf(one), await progressOf(other)];
          const [with_, without] = await interleaved(
            rounds,
            seconds,
            loads.map((load) => async () => load),
          );
          report('with a webhook that hangs', `${whole(with_)}/s`, with_ / without);
        }),
      { ENDPOINTS_FILE: file },
    );
  } finally {
    hanging.closeAllConnections();
    hanging.close();
  }
}

/** Progress over a thousand tasks; what ends a run is that the view has it all. */
async function progressOf(client) {
  const ids = await makeTasks(client);
  let item = 0;
  return {
    call: () => {
      const n = item++;
      const completedItems = Math.floor(n / TASKS);
      return client.updateTaskProgress(ids[n % TASKS], completedItems, 1_000_000_000);
    },
    end: async () => void (await client.getTask(ids[0])),
  };
}

/** Medians of the rates; each kind makes itself ready before each of its runs. */
async function interleaved(rounds, seconds, kinds) {
  const rates = kinds.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, ready] of kinds.entries()) {
      const { call, end } = await ready();
      const rate = await callsPerSecond(call, end, round === 0 ? 1 : seconds);
      if (round > 0) rates[index].push(rate);
    }
  }
  return rates.map(median);
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
