/**
 * Kills the service. Under load, round after round: `node scripts/crash.mjs --rounds 50 --seed 7`. Without
 * a seed it draws one, and says which. `--event-store eventstoredb` (or `sqlite`) kills it with that log
 * only, without it with the one and then with the other. `--keep` leaves the folder of a log with
 * problems behind. `--sagas`: at every step of the sagas, and once more while it recovers.
 * `--two-processes`: two on one folder, each in turn, for `--minutes`, 1 by default. `--workers`: not the
 * service but the workers, one each round, killed, stopped by SIGTERM, or frozen until its leases have run out.
 * `--rebuild`: in the middle of a rebuild of the task view, which goes on.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string' },
    'event-store': { type: 'string' },
    keep: { type: 'boolean', default: false },
    sagas: { type: 'boolean', default: false },
    'two-processes': { type: 'boolean', default: false },
    workers: { type: 'boolean', default: false },
    rebuild: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '1' },
  },
});
if (values.help) {
  // What stands at the top of this file.
  const [head] = readFileSync(import.meta.filename, 'utf8').split('*/');
  console.log(head.replaceAll(/^\/?\s?\*+ ?/gm, '').trim());
  process.exit(0);
}
for (const name of ['rounds', 'seed', 'minutes']) {
  const value = values[name];
  if (value !== undefined && !/^\d{1,9}$/.test(value)) {
    console.error(`--${name} is "${value}": a whole number below a billion is allowed.`);
    process.exit(1);
  }
}

const store = values['event-store'];
if (store !== undefined && !['sqlite', 'eventstoredb'].includes(store)) {
  console.error(`--event-store is "${store}": sqlite or eventstoredb is allowed.`);
  process.exit(1);
}

const SPECS = {
  sagas: 'saga-crash',
  'two-processes': 'two-processes',
  workers: 'worker-crash',
  rebuild: 'rebuild-crash',
};
const chosen = Object.keys(SPECS).find((option) => values[option]);
const spec = chosen === undefined ? 'crash' : SPECS[chosen];
const { status } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, 'test.mjs'), `test/${spec}.e2e-spec.ts`],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      CRASH_ROUNDS: values.rounds,
      SAGA_KILLS: 'all',
      REBUILD_TASKS: '10000',
      TWO_PROCESSES_SECONDS: String(Number(values.minutes) * 60),
      ...(values.seed === undefined ? {} : { CRASH_SEED: values.seed }),
      ...(store === undefined ? {} : { CRASH_EVENT_STORE: store }),
      ...(values.keep ? { CRASH_KEEP: '1' } : {}),
    },
  },
);
process.exit(status ?? 1);
