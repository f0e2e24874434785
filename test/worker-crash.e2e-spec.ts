import { expect, it } from '@jest/globals';
import { EVENT_STORES } from './crash/log-place.js';
import { type WorkerRounds, workerRounds } from './crash/worker-rounds.js';

/**
 * kill -9 of workers under load, workers that are stopped, and workers that freeze and come back, with the log in a file and in a
 * cluster: `node scripts/crash.mjs --workers --rounds 30 --seed 7 --event-store eventstoredb`.
 */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 3);
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const MANY = 10;
const only = process.env['CRASH_EVENT_STORE'];
const stores = EVENT_STORES.filter((store) => only === undefined || store === only);

const tell = (line: string) => void process.stdout.write(`worker crash: ${line}\n`);

it.each(stores)(
  'ends every task once, from its checkpoints, by nobody but who held it, when workers are killed or stopped: %s',
  async (store) => {
    tell(`${store}, seed ${seed}`);
    const run = await workerRounds({ store, rounds, seed, tell });
    for (const line of summary(run)) tell(line);

    expect(run.problems.slice(0, 20)).toEqual([]);
    expect(run.kills + run.freezes + run.stops).toBe(rounds);
    expect(run.tasks).toBe(run.created);
    // What a worker still holds at its one moment is chance; over many rounds all of it must have come about.
    if (rounds >= MANY) {
      expect(run.leasesExpired).toBeGreaterThan(0);
      expect(run.released).toBeGreaterThan(0);
      // Whoever was frozen goes on where it was, and is told that it is dead.
      expect(run.refusals['LEASE_LOST'] ?? 0).toBeGreaterThan(0);
    }
  },
  180_000 + rounds * 40_000,
);

function summary(run: WorkerRounds): string[] {
  const { kills, freezes, stops, tasks, attempts, resumed, stalls, leasesExpired } = run;
  const held = [...run.held].sort((a, b) => a - b);
  const goneOn = [...run.goneOn].sort((a, b) => a - b);
  return [
    `seed ${seed}: ${kills} kills, ${freezes} freezes past the lease, ${stops} stops, of workers that held ${held[0]} to ${held.at(-1)} tasks`,
    `${tasks} tasks: ${counts(run.ends)}; ${run.pauses} pauses, ${run.resumes} resumes, ${run.cancels} cancels`,
    `${attempts} attempts, ${resumed} of them from a checkpoint; ${run.pausesAcknowledged} pauses acknowledged, ${run.released} tasks released`,
    `released tasks went on after ${goneOn[goneOn.length >> 1]} ms at the median, ${goneOn.at(-1)} ms at most`,
    `${leasesExpired} leases ran out, ${stalls} of them stalls; refused: ${counts(run.refusals)}`,
    `problems: ${run.problems.length}`,
  ];
}

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
