/** `npm run bench`: prints absolute figures and, beside each, its ratio against something in the same run. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { durability } from './durability.mjs';
import { growth } from './growth.mjs';
import { longStream } from './long-stream.mjs';
import { rebuild } from './rebuild.mjs';
import { throughput } from './throughput.mjs';

const BENCHMARKS = {
  throughput: ['durable commands and reads beside an echo', throughput],
  durability: ['what a lone command costs the disk', durability],
  'long-stream': ['a task with 100,000 updates', longStream],
  rebuild: ['the task view from the log', rebuild],
  growth: ['1,000,000 tasks beside 10,000', growth],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    quick: { type: 'boolean' },
    rounds: { type: 'string' },
  },
});

if (values.help || positionals.some((name) => !(name in BENCHMARKS))) {
  console.log('npm run bench -- [name …] [--quick] [--rounds N]\n');
  for (const [name, [what]] of Object.entries(BENCHMARKS))
    console.log(`  ${name.padEnd(12)} ${what}`);
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
const chosen = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
for (const name of chosen) {
  const [what, benchmark] = BENCHMARKS[name];
  console.log(`\n${name}: ${what}`);
  await benchmark(options);
}
