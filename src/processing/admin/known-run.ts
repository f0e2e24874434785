import { Refusal } from '../../context/index.js';
import type { ProcessorRun } from '../processor-run.js';

/**
 * The processor of that name.
 * @throws Refusal VALIDATION_FAILED that lists the names there are
 */
export function knownRun(
  runs: readonly ProcessorRun[],
  name: string,
  field: 'name' | 'processor',
): ProcessorRun {
  const run = runs.find((each) => each.name === name);
  if (run) return run;
  const names = runs.map((each) => each.name).sort();
  throw new Refusal(
    'VALIDATION_FAILED',
    `There is no processor ${JSON.stringify(name)}; there are ${names.join(', ')}.`,
    { field, names },
  );
}
