import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectOptions,
  TaskManager,
  TaskManagerError,
  TaskWorker,
} from '@taskmanager/client';
import { assertGit } from './git/git.js';
import { readSettings, type Settings } from './settings.js';
import { TASK_TYPES, TYPES_WITH_GIT } from './task-types.js';
import { removeIndexes } from './index-repository/remove-indexes.js';
import { removeUnfinished } from './unfinished.js';
import { help } from './variables.js';
import { WorkerRoots } from './worker-roots.js';

/** How often a service that is not there yet is looked for, milliseconds. */
const LOOK_AGAIN_MS = 1_000;
/** It would end the same way however often it is started: the settings are wrong, or git is missing. */
const NOT_TO_BE_STARTED = 2;

interface Prepared {
  readonly settings: Settings;
  readonly roots: WorkerRoots;
}

/** Undefined: all that was asked for is done. */
async function prepared(): Promise<Prepared | undefined> {
  const known = Object.keys(TASK_TYPES);
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(help(known));
    return undefined;
  }
  const unknown = process.argv.slice(2);
  if (unknown.length > 0)
    throw new Error(`${unknown.join(' ')}: settings come from the environment; --help lists them`);
  const settings = readSettings(process.env, known);
  if (settings.types.some((type) => TYPES_WITH_GIT.has(type))) await assertGit();
  return { settings, roots: await WorkerRoots.open(settings.roots) };
}

async function work({ settings, roots }: Prepared, gone: AbortSignal): Promise<void> {
  const { types, concurrency, leaseMs, shutdownMs } = settings;
  const client = await connected(settings.connect, gone);
  if (!client) return;
  const tidied = tidy(roots);
  const worker = new TaskWorker(client, { leaseMs, shutdownMs });
  for (const type of types) {
    const handler = TASK_TYPES[type]?.({ ...settings, roots });
    if (handler) worker.handle(type, handler, { concurrency });
  }
  // Nobody would take the results, and the next service starts workers of its own.
  gone.addEventListener('abort', () => void worker.stop({ now: true }), { once: true });
  await worker.run();
  await client.close();
  await tidied;
}

/** What others left that were killed: removed while the work goes on. */
async function tidy(roots: WorkerRoots): Promise<void> {
  try {
    await removeUnfinished(roots);
    await removeIndexes(roots);
  } catch (error) {
    process.stderr.write(`What earlier workers left is still there: ${explain(error)}\n`);
  }
}

/** Fires when the service that has started this is gone, which it may have been before this had begun. */
function whenServiceIsGone(): AbortSignal {
  const gone = new AbortController();
  process.once('disconnect', () => gone.abort());
  if (process.send && !process.connected) gone.abort();
  return gone.signal;
}

/** Waits until the service is there; undefined when it is told to stop before. */
async function connected(
  options: ConnectOptions,
  gone: AbortSignal,
): Promise<TaskManager | undefined> {
  const signals = new AbortController();
  const stop = () => signals.abort();
  const reasons = ['SIGTERM', 'SIGINT'] as const;
  for (const reason of reasons) process.once(reason, stop);
  const stopping = AbortSignal.any([signals.signal, gone]);
  try {
    for (let told = false; !stopping.aborted; told = true) {
      try {
        return await TaskManager.connect({ ...options, connectSignal: stopping });
      } catch (error) {
        if (stopping.aborted) return undefined;
        if (!(error instanceof TaskManagerError) || error.code !== 'UNAVAILABLE') throw error;
        if (!told) process.stderr.write(`${error.message} Waiting for it.\n`);
      }
      await sleep(LOOK_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
    return undefined;
  } finally {
    for (const reason of reasons) process.removeListener(reason, stop);
  }
}

function startReport({ settings, roots }: Prepared): string {
  const { types, concurrency, service } = settings;
  return [
    `TaskManager's workers run (process ${process.pid})`,
    `  types    ${types.join(', ')}; ${concurrency} at a time of each`,
    `  below    ${roots.all.join(', ')}`,
    `  service  ${service}`,
    '',
  ].join('\n');
}

/**
 * The workers that come with TaskManager: one process, stopped by SIGTERM or SIGINT, which hand back its
 * tasks and exit with 0. Started by the service, it says nothing of its own and ends when that is gone.
 */
async function main(): Promise<void> {
  const gone = whenServiceIsGone();
  let ready: Prepared | undefined;
  try {
    ready = await prepared();
  } catch (error) {
    process.stderr.write(`The workers cannot start. ${explain(error)}\n`);
    process.exit(NOT_TO_BE_STARTED);
  }
  if (!ready) return;
  const isChild = process.send !== undefined;
  if (!isChild) process.stdout.write(startReport(ready));
  await work(ready, gone);
  if (process.connected) process.disconnect();
}

/** What the user can mend is one line; a fault of the program comes with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const fault = error instanceof TypeError || error instanceof ReferenceError;
  return fault ? (error.stack ?? error.message) : error.message;
}

await main();
