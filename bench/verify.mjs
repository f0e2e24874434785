/**
 * Checking the hash chains of 1,000,000 events (50,000 tasks × 20, interleaved), beside a bare scan of the
 * same file that reads every row and parses its JSON. Each runs in a process of its own; interleaved.
 */
import { join } from 'node:path';
import { atLeast, median, perSecond, report, whole } from './figures.mjs';
import { makeLog, wholeLife } from './make-log.mjs';
import { inTemporaryFolder, measureApart } from './processes.mjs';

const EVENTS_PER_TASK = 20;

export async function verify({ rounds, scale }) {
  await inTemporaryFolder(async (folder) => {
    const file = join(folder, 'log.db');
    const tasks = 50_000 * scale;
    const events = await makeLog(file, { tasks, life: wholeLife(EVENTS_PER_TASK) });
    const scans = [];
    const checks = [];
    let memory = 0;
    for (let round = 0; round < rounds; round++) {
      scans.push(perSecond(events, (await measureApart('./bare-scan.mjs', [file])).ms));
      const checked = await measureApart('./verify-log.mjs', [file]);
      if (checked.events !== events) throw new Error(`${checked.events} events, not ${events}.`);
      checks.push(perSecond(events, checked.ms));
      memory = Math.max(memory, checked.maxRssBytes / 1e6);
    }
    const [scan, rate] = [median(scans), median(checks)];
    report('bare scan with JSON parsing', `${whole(scan)} events/s`);
    report(
      `verification of ${whole(events)} events`,
      `${whole(rate)} events/s`,
      rate / scan,
      atLeast(rate / scan, 0.25),
    );
    report('memory of the verification', `${whole(memory)} MB`);
  });
}
