import { expect, it } from '@jest/globals';
import { Random } from './crash/random.js';
import type { KillAt } from './crash/mortal-service.js';
import { stepsOfStory, tellStory } from './crash/saga-steps.js';

/**
 * kill -9 at the steps of sagas: before and after each append, dispatch, notice and checkpoint, and
 * then, while what was left is taken up again, at a step once more. SAGA_KILLS says how many of the
 * steps (all with `all`: `npm run crash -- --sagas`), CRASH_SEED which, and where the second kill comes.
 */
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const wanted = process.env['SAGA_KILLS'] ?? '3';
/** Stories at a time: they wait most of the time. */
const AT_ONCE = 3;

const tellLine = (line: string) => void process.stdout.write(`saga crash: ${line}\n`);

it('does everything once and leaves nothing behind, at whatever step of a saga it is killed', async () => {
  const random = new Random(seed);
  const steps = await stepsOfStory();
  const kills = steps.flatMap((step): KillAt[] => [
    `${step} before` as KillAt,
    `${step} after` as KillAt,
  ]);
  const chosen =
    wanted === 'all' ? kills : Array.from({ length: Number(wanted) }, () => random.pick(kills));
  const plans = chosen.map((first) => [first, random.pick(kills)]);
  tellLine(`seed ${seed}, ${steps.length} steps, ${plans.length} stories`);

  const problems: string[] = [];
  let killed = 0;
  const next = async (): Promise<void> => {
    for (let plan = plans.shift(); plan; plan = plans.shift()) {
      const run = await tellStory(plan);
      killed += run.killed.length;
      problems.push(...run.problems.map((problem) => `${plan.join(', ')}: ${problem}`));
      tellLine(`${plan.join(', ')}: ${run.killed.length} kills, problems: ${run.problems.length}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));

  tellLine(`${killed} kills, problems: ${problems.length}`);
  expect(problems).toEqual([]);
  // A second step may not come about again after the first kill.
  expect(killed).toBeGreaterThanOrEqual(chosen.length);
}, 3_600_000);
