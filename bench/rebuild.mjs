/**
 * Rebuilding the task view from 1,000,000 events (50,000 tasks × 20, interleaved), beside a bare scan of
 * the same file that reads every row and parses its JSON. Each runs in a process of its own; interleaved.
 * Then the same view once more, by a job of a service under load.
 */
import { join } from 'node:path';
import { atLeast, atMost, median, perSecond, report, whole } from './figures.mjs';
import { makeLog, wholeLife } from './make-log.mjs';
import { inTemporaryFolder, measureApart } from './processes.mjs';
import { rebuildUnderLoad } from './rebuild-under-load.mjs';

const EVENTS_PER_TASK = 20;

export async function rebuild({ rounds, scale, seconds }) {
  await inTemporaryFolder(async (folder) => {
    const file = join(folder, 'log.db');
    const tasks = 50_000 * scale;
    const events = await makeLog(file, { tasks, life: wholeLife(EVENTS_PER_TASK) });
    const scans = [];
    const rebuilds = [];
    let memory = 0;
    for (let round = 0; round < rounds; round++) {
      scans.push(perSecond(events, (await measureApart('./bare-scan.mjs', [file])).ms));
      const built = await measureApart('./rebuild-view.mjs', [folder]);
      if (built.tasks !== tasks) throw new Error(`${built.tasks} tasks in the view, not ${tasks}.`);
      rebuilds.push(perSecond(events, built.ms));
      memory = Math.max(memory, built.maxRssBytes / 1e6);
    }
    const [scan, rate] = [median(scans), median(rebuilds)];
    report('bare scan with JSON parsing', `${whole(scan)} events/s`);
    report(
      `rebuild of ${whole(events)} events`,
      `${whole(rate)} events/s`,
      rate / scan,
      atLeast(rate / scan, 0.25),
    );
    report('memory of the rebuild', `${whole(memory)} MB`, undefined, atMost(memory, 400, ' MB'));
    await rebuildUnderLoad(folder, events, seconds);
  });
}
