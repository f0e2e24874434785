/** `npm run bench`: prints absolute figures and, beside each, its ratio against something in the same run. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { audit } from './audit.mjs';
import { durability } from './durability.mjs';
import { commands, replay } from './eventstoredb.mjs';
import { growth } from './growth.mjs';
import { lives } from './lives.mjs';
import { longStream } from './long-stream.mjs';
import { rebuild } from './rebuild.mjs';
import { sagas } from './sagas.mjs';
import { throughput } from './throughput.mjs';
import { verify } from './verify.mjs';
import { workers } from './workers.mjs';

/** What there is to measure, by the event store that keeps the log. */
const BENCHMARKS = {
  sqlite: {
    throughput: ['durable commands and reads beside an echo', throughput],
    durability: ['what a lone command costs the disk', durability],
    'long-stream': ['a task with 100,000 updates', longStream],
    rebuild: ['the task view from the log', rebuild],
    verify: ['the hash chains of the whole log', verify],
    growth: ['1,000,000 tasks beside 10,000', growth],
    audit: ['who did what, over 1,000,000 events', audit],
    sagas: ['what sagas cost, and many retries at once', sagas],
    lives: ['whole lives of tasks beside BullMQ, pg-boss and graphile-worker', lives],
    workers: ['cancel and pause in another process, and 1,000 workers that wait', workers],
  },
  eventstoredb: {
    commands: ['durable commands beside appends of the bare client', commands],
    replay: ['reading the log beside the bare client', replay],
    lives: [
      'whole lives of tasks beside BullMQ, pg-boss and graphile-worker',
      (options) => lives(options, 'eventstoredb'),
    ],
    workers: [
      'cancel and pause in another process, and 1,000 workers that wait',
      (options) => workers(options, 'eventstoredb'),
    ],
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    'event-store': { type: 'string', default: 'sqlite' },
    quick: { type: 'boolean' },
    rounds: { type: 'string' },
  },
});

const benchmarks = BENCHMARKS[values['event-store']];
if (values.help || !benchmarks || positionals.some((name) => !(name in benchmarks))) {
  console.log('npm run bench -- [--event-store <name>] [name …] [--quick] [--rounds N]');
  for (const [store, those] of Object.entries(BENCHMARKS)) {
    console.log(`\n--event-store ${store}${store === 'sqlite' ? ', or none' : ''}`);
    for (const [name, [what]] of Object.entries(those)) console.log(`  ${name.padEnd(12)} ${what}`);
  }
  console.log(
    '\n  --quick    a tenth of the data and short runs: to see that it works, not to quote',
  );
  process.exit(values.help ? 0 : 2);
}

const options = {
  rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
  seconds: values.quick ? 1 : 4,
  scale: values.quick ? 0.1 : 1,
};
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`);
const chosen = positionals.length > 0 ? positionals : Object.keys(benchmarks);
for (const name of chosen) {
  const [what, benchmark] = benchmarks[name];
  console.log(`\n${name}: ${what}`);
  await benchmark(options);
}
