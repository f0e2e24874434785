/**
 * pg-boss: jobs in PostgreSQL. Its work() polls twice a second at best, so the loop is over fetch(), which
 * its documentation has for that. Each job is completed with its own result; see pg-boss-together.mjs. It has
 * no progress: a row in a table of ours.
 */
import { setTimeout as delay } from 'node:timers/promises';
import PgBoss from 'pg-boss';
import { AT_ONCE, INPUT, PERCENT, resultOf } from './life.mjs';
import { CREATE_TABLE, WRITE_PROGRESS } from './progress-table.mjs';

const CONNECTIONS = 32;
/** So many loops, so that some fetch while others wait for the last job of theirs. */
const LOOPS = 2;
const IDLE_MS = 5;

export const settings = `${LOOPS} loops that fetch ${AT_ONCE / LOOPS}, ${CONNECTIONS} connections in each process; progress: a row in a table of ours`;

const { produce, work } = queueOf('lives', async (boss, queue, jobs, handle) => {
  const run = async (job) => boss.complete(queue, job.id, await handle(job));
  await Promise.all(jobs.map(run));
});
export { produce, work };

/** @param runAll runs and completes all jobs of one fetch */
export function queueOf(queue, runAll) {
  return {
    async produce(server) {
      const boss = await start(server, queue);
      return { create: () => boss.send(queue, INPUT), close: () => stop(boss) };
    },
    async work(server, completed) {
      const boss = await start(server, queue);
      const db = boss.getDb();
      await db.executeSql(CREATE_TABLE);
      const handle = async ({ id }) => {
        await db.executeSql(WRITE_PROGRESS, [id, PERCENT]);
        return resultOf(id);
      };
      let stopping = false;
      const loop = async () => {
        while (!stopping) {
          const jobs = await boss.fetch(queue, { batchSize: AT_ONCE / LOOPS });
          if (jobs.length === 0) await delay(IDLE_MS);
          else await runAll(boss, queue, jobs, handle);
          jobs.forEach(completed);
        }
      };
      const loops = Array.from({ length: LOOPS }, loop);
      const close = async () => {
        stopping = true;
        await Promise.all(loops);
        await stop(boss);
      };
      return { settled: async () => {}, close };
    },
  };
}

async function start({ url }, queue) {
  const boss = new PgBoss({ connectionString: url, max: CONNECTIONS });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue);
  return boss;
}

const stop = (boss) => boss.stop({ graceful: false, wait: true });
