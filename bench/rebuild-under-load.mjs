/**
 * Commands, 64 in flight, while a job rebuilds the task view of a running service, beside the same
 * commands before and after it. One rebuild takes minutes and is measured every few seconds. Only what is measured wholly within the job counts as beside it.
 */
import { TaskManager } from '@taskmanager/client';
import { atLeast, median, perSecond, report, whole } from './figures.mjs';
import { callsPerSecond, makeTasks, TASKS } from './load.mjs';
import { withService } from './processes.mjs';

const START_MS = 10 * 60_000;

/**
 * @param events how many lie in the folder's log before
 * @param seconds that each rate is measured for
 */
export function rebuildUnderLoad(folder, events, seconds) {
  return withService(folder, async ({ port }) => {
    const client = await TaskManager.connect({
      transport: 'tcp',
      port,
      appName: 'bench',
      coalesce: false,
      timeoutMs: START_MS,
    });
    const ids = await makeTasks(client);
    await whenServed(client, ids[0]);
    let item = 0;
    const progress = () => {
      const n = item++;
      const completedItems = Math.floor(n / TASKS);
      return client.updateTaskProgress(ids[n % TASKS], completedItems, 1_000_000_000);
    };
    const rate = () => callsPerSecond(progress, undefined, seconds);
    await rate();
    const alone = [await rate(), await rate()];
    const beside = [];
    const start = performance.now();
    const { jobId } = await client.admin.rebuildProjection('tasks', { keepOld: false });
    let job;
    for (;;) {
      const during = await rate();
      job = await client.admin.getJob(jobId);
      if (job.state !== 'running') break;
      beside.push(during);
    }
    const ms = performance.now() - start;
    if (job.state !== 'done') throw new Error(`The rebuild is ${job.state}: ${job.error}`);
    alone.push(await rate(), await rate());
    await client.close();
    if (beside.length === 0) throw new Error('The rebuild was over before anything was measured.');
    const [usual, meanwhile] = [median(alone), median(beside)];
    report('commands, 64 in flight', `${whole(usual)}/s`);
    report(
      'the same beside a rebuild',
      `${whole(meanwhile)}/s`,
      meanwhile / usual,
      atLeast(meanwhile / usual, 0.7),
    );
    // Of the commands meanwhile too: they are most of it when the log was short.
    const total = job.result.events;
    report(
      `that rebuild, of ${whole(events)} events at first and ${whole(total)} in the end`,
      `${whole(perSecond(total, ms))} events/s, compared with the log: ${(ms / 1000).toFixed(1)} s`,
    );
  });
}

/** The view of a log that was filled without a service is built first. */
async function whenServed(client, id) {
  const limit = performance.now() + START_MS;
  for (;;) {
    try {
      await client.getTask(id);
      return;
    } catch (error) {
      if (performance.now() > limit) throw error;
    }
  }
}
