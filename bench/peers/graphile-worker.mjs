/**
 * graphile-worker: jobs in PostgreSQL, each deleted when it is done, without its result. Batches as its
 * performance guide has them. It has no progress: a row in a table of ours.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { AT_ONCE, INPUT, PERCENT, resultOf } from './life.mjs';
import { CREATE_TABLE, WRITE_PROGRESS } from './progress-table.mjs';

const TASK = 'lives';
const CONNECTIONS = AT_ONCE + 1;
const LOCAL_QUEUE = 500;
const silent = new Logger(() => () => {});

export const settings = `concurrentJobs ${AT_ONCE}, localQueue ${LOCAL_QUEUE}, completeJobBatchDelay 0, ${CONNECTIONS} connections; progress: a row in a table of ours; keeps no result`;

export async function produce({ url }) {
  const utils = await makeWorkerUtils({
    connectionString: url,
    maxPoolSize: CONNECTIONS,
    logger: silent,
  });
  return { create: () => utils.addJob(TASK, INPUT), close: () => utils.release() };
}

export async function work({ url }, completed) {
  const utils = await makeWorkerUtils({ connectionString: url, logger: silent });
  await utils.migrate();
  await utils.withPgClient((client) => client.query(CREATE_TABLE));
  const handle = async (input, { job, query }) => {
    await query(WRITE_PROGRESS, [job.id, PERCENT]);
    completed();
    return resultOf(job.id);
  };
  const worker = {
    connectionString: url,
    concurrentJobs: AT_ONCE,
    maxPoolSize: CONNECTIONS,
    localQueue: { size: LOCAL_QUEUE },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
  const runner = await run({
    preset: { worker },
    taskList: { [TASK]: handle },
    logger: silent,
    noHandleSignals: true,
  });
  return {
    /** It tells nobody when a batch of jobs is done. */
    settled: async () => {
      while (await left(utils)) await delay(5);
    },
    close: async () => {
      await runner.stop();
      await utils.release();
    },
  };
}

const left = (utils) =>
  utils.withPgClient(async (client) => {
    const { rows } = await client.query('select 1 from graphile_worker.jobs limit 1');
    return rows.length > 0;
  });
