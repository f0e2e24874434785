/**
 * For tests: runs one import in a process of its own, to be killed. `node import-process.mjs <roots>
 * <task as JSON>`; writes a line for each file that is done, and the result.
 */
import { WorkerRoots, importFiles } from '../dist/index.js';

const [root, text] = process.argv.slice(2);
const { id, attempt, input } = JSON.parse(text);
let last;
const task = {
  id,
  attempt,
  input,
  signal: new AbortController().signal,
  progress(value) {
    if (value === undefined || value.completedItems === last) return;
    last = value.completedItems;
    console.log(`done ${last}`);
  },
  async saveCheckpoint() {},
  async pausePoint() {},
};
const roots = await WorkerRoots.open([root]);
console.log(JSON.stringify(await importFiles({ roots })(task)));
