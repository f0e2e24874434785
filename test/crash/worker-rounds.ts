import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import { findLimbo } from '../limbo.js';
import { type ServiceProcess, spawnService, startService, type Variables } from '../service.js';
import { type EventStoreName, makeLogPlace } from './log-place.js';
import { LEASE_MS, type MortalWorker, MortalWorkers } from './mortal-workers.js';
import { Random } from './random.js';
import { checkWorkers, type WorkerFigures } from './worker-checks.js';
import { type LoadFigures, WorkerLoad } from './worker-load.js';

const WORKERS = 3;
/** A worker gets tasks, and those of a frozen one go to others, within this, milliseconds. */
const SOON_MS = 30_000;
const POLL_MS = 50;
const KINDS = { killed: 'kills', frozen: 'freezes', stopped: 'stops' } as const;

export interface WorkerRounds extends WorkerFigures, LoadFigures {
  kills: number;
  freezes: number;
  stops: number;
  /** Tasks that a worker held when it was killed, frozen or stopped. */
  readonly held: number[];
}

export interface WorkerRoundsOptions {
  readonly store: EventStoreName;
  readonly rounds: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

/**
 * Kills workers under load, one each round, or stops one as SIGTERM does, or freezes one until its leases
 * have run out and lets it come back. At the end all tasks run out, and the log is looked at.
 */
export async function workerRounds(options: WorkerRoundsOptions): Promise<WorkerRounds> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-workers-'));
  const place = await makeLogPlace(options.store, dataDir);
  const own = { DATA_DIR: dataDir, PROCESSOR_LEASE_MS: '1000', LEASE_GRACE_MS: '200' };
  const settings = { ...place.settings, ...own };
  try {
    const service = await spawnService(settings);
    try {
      const trouble = await underLoad(service, options);
      const figures = checkWorkers(await place.read(), trouble.stoppedAt);
      const problems = [...trouble.problems, ...figures.problems];
      await service.stop();
      problems.push(...(await limbo(settings)));
      return { ...trouble.load, ...figures, ...trouble, problems };
    } finally {
      await service.stop('SIGKILL');
    }
  } finally {
    await place.forget();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function underLoad({ port }: ServiceProcess, { rounds, seed, tell }: WorkerRoundsOptions) {
  const random = new Random(seed);
  const workers = new MortalWorkers(port);
  const client = await TaskManager.connect({ transport: 'tcp', port, actor: 'people' });
  const load = new WorkerLoad(client, random.fork());
  const trouble = { kills: 0, freezes: 0, stops: 0, held: [] as number[], load: load.figures };
  const problems: string[] = [];
  const makeTrouble = async (round: number) => {
    const victim = random.pick(workers.alive);
    const held = await untilItHolds(client, victim);
    await delay(random.int(0, LEASE_MS / 2));
    // All come about however few rounds there are.
    const drawn = random.weighted({ killed: 2, frozen: 1, stopped: 1 });
    const what = (['killed', 'frozen', 'stopped'] as const)[round] ?? drawn;
    if (what === 'killed') await workers.kill(victim);
    else if (what === 'frozen') await freeze(client, victim);
    else problems.push(...(await workers.stop(victim)));
    trouble[KINDS[what]]++;
    trouble.held.push(held);
    tell(`round ${round + 1} of ${rounds}: ${victim.id} ${what}, held ${held} tasks`);
  };
  try {
    await Promise.all(Array.from({ length: WORKERS }, () => workers.start()));
    const making = async () => {
      for (let round = 0; round < rounds; round++) await makeTrouble(round);
      load.end();
    };
    await Promise.all([load.run(), making()]);
    await load.drained();
    problems.push(...(await workers.end()));
    return { ...trouble, stoppedAt: workers.stoppedAt, problems };
  } finally {
    load.end();
    await workers.forget();
    await client.close();
  }
}

/** Until it is believed to be dead, and others have its tasks; then it comes back and knows nothing of that. */
async function freeze(client: TaskManager, { id, child }: MortalWorker): Promise<void> {
  child.kill('SIGSTOP');
  try {
    await until(`${id} has lost its leases`, async () => (await heldBy(client, id)) === 0);
  } finally {
    child.kill('SIGCONT');
  }
}

async function untilItHolds(client: TaskManager, { id }: MortalWorker): Promise<number> {
  let held = 0;
  await until(`${id} holds a task`, async () => (held = await heldBy(client, id)) > 0);
  return held;
}

async function heldBy(client: TaskManager, workerId: string): Promise<number> {
  const tasks = await client.listTasks({ statuses: ['running'], limit: 500 });
  return tasks.filter((task) => task.workerId === workerId).length;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SOON_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Not within ${SOON_MS} ms: ${what}`);
    await delay(POLL_MS);
  }
}

/** Asked of the log through its port, without anything that the service made of it. */
async function limbo(settings: Variables): Promise<string[]> {
  const service = await startService(settings);
  try {
    const lost = await findLimbo(service.log, Date.now(), 0);
    return lost.map((task) => `in limbo: ${JSON.stringify(task)}`);
  } finally {
    await service.close();
  }
}
