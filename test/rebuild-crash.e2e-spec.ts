import { expect, it } from '@jest/globals';
import { Random } from './crash/random.js';
import { rebuildRounds } from './crash/rebuild-rounds.js';

/**
 * kill -9 in the middle of a rebuild. CRASH_ROUNDS, CRASH_SEED and REBUILD_TASKS set how often, from which
 * seed, and of how many tasks: `node scripts/crash.mjs --rebuild --rounds 10`.
 */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 2);
const tasks = Number(process.env['REBUILD_TASKS'] ?? 800);
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

it(
  'changes nothing to be killed in the middle of a rebuild, which goes on',
  async () => {
    const { kills, lives, problems } = await rebuildRounds(rounds, tasks, new Random(seed));
    process.stdout.write(
      `rebuild crash: seed ${seed}, ${tasks} tasks, kills ${JSON.stringify(kills)}, ` +
        `rebuilds in so many lives: ${lives.join(', ')}; problems: ${problems.length}\n`,
    );
    expect(problems.slice(0, 20)).toEqual([]);
    expect(lives.length).toBeGreaterThan(0);
  },
  120_000 + rounds * 60_000,
);
