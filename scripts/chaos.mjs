/**
 * Makes trouble for the log under a loaded service: `node scripts/chaos.mjs --minutes 10 --seed 7`.
 * Without a seed it draws one, and says which.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000_000)) },
  },
});
if (values.help) {
  // What stands at the top of this file.
  const [head] = readFileSync(import.meta.filename, 'utf8').split('*/');
  console.log(head.replaceAll(/^\/?\s?\*+ ?/gm, '').trim());
  process.exit(0);
}
if (!/^\d{1,4}(\.\d+)?$/.test(values.minutes)) {
  console.error(`--minutes is "${values.minutes}": a number below 10,000 is allowed.`);
  process.exit(1);
}
if (!/^\d{1,9}$/.test(values.seed)) {
  console.error(`--seed is "${values.seed}": a whole number below a billion is allowed.`);
  process.exit(1);
}

const { status } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, 'test.mjs'), 'test/chaos.e2e-spec.ts'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      CHAOS_SECONDS: String(Number(values.minutes) * 60),
      CHAOS_SEED: values.seed,
    },
  },
);
process.exit(status ?? 1);
