/** BullMQ: a list of jobs in Redis. Progress is job.updateProgress, its own. */
import { Queue, Worker } from 'bullmq';
import { AT_ONCE, INPUT, PERCENT, resultOf } from './life.mjs';

const QUEUE = 'lives';
/** As its guide for production has them: workers wait for ever, few finished jobs are kept. */
const JOB = { removeOnComplete: { count: 1_000 }, removeOnFail: { count: 1_000 } };
const connectionTo = ({ port }) => ({ host: '127.0.0.1', port, maxRetriesPerRequest: null });

export const settings = `concurrency ${AT_ONCE}; removeOnComplete ${JSON.stringify(JOB.removeOnComplete)}; progress: job.updateProgress`;

export async function produce(server) {
  const queue = new Queue(QUEUE, { connection: connectionTo(server), defaultJobOptions: JOB });
  await queue.waitUntilReady();
  return { create: () => queue.add(QUEUE, INPUT), close: () => queue.close() };
}

export async function work(server, completed) {
  const handle = async (job) => {
    await job.updateProgress(PERCENT);
    return resultOf(job.id);
  };
  const worker = new Worker(QUEUE, handle, {
    connection: connectionTo(server),
    concurrency: AT_ONCE,
  });
  worker.on('error', (error) => console.error(error));
  // Redis has written the result before.
  worker.on('completed', completed);
  await worker.waitUntilReady();
  return { settled: async () => {}, close: () => worker.close() };
}
