import { expect, it } from '@jest/globals';
import { twoProcesses } from './crash/two-processes.js';

/** TWO_PROCESSES_SECONDS says for how long: `npm run crash -- --two-processes --minutes 1`. */
const seconds = Number(process.env['TWO_PROCESSES_SECONDS'] ?? 10);
const KILL_EVERY_MS = 4_000;

it(
  'does nothing twice and leaves nothing out with two processes on one folder, each killed in turn',
  async () => {
    const { stories, kills, events, problems } = await twoProcesses(seconds * 1_000, KILL_EVERY_MS);
    process.stdout.write(
      `two processes: ${stories} stories, ${kills} kills, ${events} events, problems: ${problems.length}\n`,
    );
    expect(problems.slice(0, 20)).toEqual([]);
    expect(stories).toBeGreaterThan(0);
    expect(kills).toBeGreaterThan(1);
  },
  (seconds + 240) * 1_000,
);
