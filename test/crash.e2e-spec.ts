import { expect, it } from '@jest/globals';
import { crashRounds, type Figures, LEAST_IN_FLIGHT } from './crash/crash-rounds.js';
import { EVENT_STORES } from './crash/log-place.js';

/**
 * kill -9 under load, with the log in a file and with the log in a cluster. CRASH_ROUNDS, CRASH_SEED and
 * CRASH_EVENT_STORE set how often, from which seed, and with which of the two only: `node
 * scripts/crash.mjs --rounds 50 --seed 7 --event-store eventstoredb`. The seed fixes what is drawn by chance: who sends what, and
 * when the kills come; how the commands interleave is the machine's.
 */
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 2);
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const only = process.env['CRASH_EVENT_STORE'];
const stores = EVENT_STORES.filter((store) => only === undefined || store === only);
const keep = process.env['CRASH_KEEP'] === '1';

const tell = (line: string) => void process.stdout.write(`crash: ${line}\n`);

it.each(stores)(
  'loses, doubles and leaves out nothing when it is killed under load, and shows what the log says: %s',
  async (store) => {
    tell(`${store}, seed ${seed}`);
    const figures = await crashRounds({ store, rounds, seed, tell, keep });
    for (const line of summary(figures)) tell(line);

    expect(figures.problems.slice(0, 20)).toEqual([]);
    expect(figures.rounds).toBe(rounds);
    expect(Math.min(...figures.inFlight)).toBeGreaterThanOrEqual(LEAST_IN_FLIGHT);
    expect(figures.acknowledged).toBeGreaterThan(0);
  },
  60_000 + rounds * 60_000,
);

function summary(figures: Figures): string[] {
  const { kills, killsAtStart, acknowledged, events, problems } = figures;
  return [
    `seed ${seed}: ${figures.rounds} rounds, ${kills} kills under load, ${killsAtStart} kills of a starting service`,
    `${acknowledged} commands acknowledged, ${events} events, ${figures.acknowledgedSentAgain} acknowledged ones sent again`,
    `in flight at each kill: ${spread(figures.inFlight)}; never answered: ${spread(figures.unanswered)}`,
    `of ${figures.sentAgain} that were never answered ${figures.tookEffectBefore} had taken effect`,
    `acknowledged by kind: ${kinds(figures)}`,
    `problems: ${problems.length}`,
  ];
}

function kinds(figures: Figures): string {
  const counts = [...figures.kinds].sort(([, a], [, b]) => b - a);
  return counts.map(([name, count]) => `${name} ${count}`).join(', ');
}

function spread(counts: readonly number[]): string {
  const sorted = [...counts].sort((a, b) => a - b);
  return `${sorted[0]} at least, ${sorted[sorted.length >> 1]} in the middle, ${sorted.at(-1)} at most`;
}
