/**
 * Indexes one directory in a process of its own, to be killed or measured. `node index-process.mjs <root>
 * <directory> <task id>`; writes a line for each batch, and the result with its time and memory.
 */
import { indexRepository, WorkerRoots } from '../dist/index.js';

const [root, directory, id] = process.argv.slice(2);
const begun = performance.now();
const task = {
  id,
  attempt: 1,
  input: { directory },
  signal: new AbortController().signal,
  progress(value) {
    console.log(JSON.stringify(value));
  },
  async pausePoint() {},
};
const result = await indexRepository({ roots: await WorkerRoots.open([root]) })(task);
const ms = Math.round(performance.now() - begun);
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ result, ms, maxRssMiB: Math.round(maxRSS / 1024) }));
