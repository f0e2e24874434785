/**
 * pg-boss where the jobs of one fetch are completed by one statement: cheaper, but all of them have the
 * same result, and none is completed before the slowest of them.
 */
import { queueOf, settings as own } from './pg-boss.mjs';

export const settings = `${own}; jobs of one fetch completed together, without results of their own`;

export const { produce, work } = queueOf('together', async (boss, queue, jobs, handle) => {
  await Promise.all(jobs.map(handle));
  await boss.complete(
    queue,
    jobs.map(({ id }) => id),
  );
});
