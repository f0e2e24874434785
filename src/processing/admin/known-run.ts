import { Refusal } from '../../context/index.js';
import type { ProcessorRun } from '../processor-run.js';

/**
 * The processor of that name.
 * @throws Refusal VALIDATION_FAILED that lists the names there are
 */
export function knownRun<Run extends ProcessorRun>(
  runs: readonly Run[],
  name: string,
  field: 'name' | 'processor' | 'projection',
): Run {
  const run = runs.find((each) => each.name === name);
  if (run) return run;
  const names = runs.map((each) => each.name).sort();
  throw new Refusal(
    'VALIDATION_FAILED',
    `There is no ${field === 'name' ? 'processor' : field} ${JSON.stringify(name)}; there are ${names.join(', ')}.`,
    { field, names },
  );
}
