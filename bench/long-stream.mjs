/** The 100,000th progress update of one task beside its 100th: durable, over TCP, one after the other. */
import { TaskManager } from '@taskmanager/client';
import { atMost, median, report } from './figures.mjs';
import { inTemporaryFolder, withService } from './processes.mjs';

const LENGTH = 100_000;
const AROUND = 400;

export async function longStream() {
  await inTemporaryFolder((folder) =>
    withService(folder, async ({ port }) => {
      const client = await TaskManager.connect({ transport: 'tcp', port, appName: 'bench' });
      const fresh = async () => {
        const id = await client.createTask('long', 'publish');
        await client.startTask(id);
        return id;
      };
      const long = await fresh();
      const update = (id, n) => client.updateTaskProgress(id, n, LENGTH * 2);
      // A short stream is warmed up first, so that both are measured in a warm process.
      for (let n = 1; n <= 200; n++) await update(await fresh(), n);
      for (let n = 1; n <= LENGTH;) {
        const group = Array.from({ length: 500 }, () => update(long, n++));
        await Promise.all(group);
      }
      const short = await fresh();
      for (let n = 1; n <= 100; n++) await update(short, n);
      const times = { short: [], long: [] };
      for (let n = 1; n <= AROUND; n++) {
        times.short.push(await timed(() => update(short, 100 + n)));
        times.long.push(await timed(() => update(long, LENGTH + n)));
      }
      await client.close();
      const [short50, long50] = [median(times.short), median(times.long)];
      report(
        'progress update of a long stream',
        `100th ${short50.toFixed(3)} ms, 100,000th ${long50.toFixed(3)} ms`,
        long50 / short50,
        atMost(long50 / short50, 1.3),
      );
    }),
  );
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
