import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import { Settings } from '../../src/config/index.js';
import { readClusterLog } from '../crash/cluster-rows.js';
import { Journal } from '../crash/journal.js';
import { isOpen, startLoad } from '../crash/load.js';
import { checkLog } from '../crash/log-checks.js';
import { Random } from '../crash/random.js';
import { APP } from '../crash/sender.js';
import { sagasAreDone } from '../crash/sagas-are-done.js';
import { checkViews } from '../crash/view-checks.js';
import { spawnEventStoreDbServer } from '../eventstoredb-server/index.js';
import { settingsFor } from '../on-eventstoredb/on-eventstoredb.js';
import { spawnService, type Variables } from '../service.js';
import { Effects, EFFECTS_PREFIX } from './effects.js';
import { FeedReader } from './feed-reader.js';
import { Probes } from './probes.js';
import { Standstill } from './standstill.js';
import { drawTroubles, makeTrouble, type TroubleName } from './trouble.js';

/** A log is thrown away after so much trouble, for at the end all of it is looked at. */
const MS_PER_LOG = 30_000;
export const LEAST_IN_FLIGHT = 32;
/** Of each of the four clients. */
const PROGRAMS = 12;
/** Shorter than in service, so that a trouble is often longer; milliseconds. */
const TIMEOUT_MS = 2_000;
/** No command is given up while its trouble lasts: how each one ended is known in the end. */
const COMMAND_MS = 120_000;
/** Within this something is done again, once the log is back; milliseconds. */
const RECOVERY_MS = 15_000;
const END_MS = 60_000;

export interface Figures {
  logs: number;
  /** Milliseconds with the load on. */
  duration: number;
  readonly troubles: Map<TroubleName, number>;
  /** At the beginning of each trouble. */
  readonly inFlight: number[];
  acknowledged: number;
  events: number;
  effects: number;
  /** The processor was begun anew; events that it was given once more. */
  begunAnew: number;
  handledAgain: number;
  feedInterruptions: number;
  readonly probes: Map<string, number>;
  /** Milliseconds. */
  slowestCommand: number;
  slowestQuery: number;
  slowestRecovery: number;
  readonly problems: string[];
}

export interface ChaosOptions {
  /** Milliseconds of trouble. */
  readonly duration: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

/** Makes trouble for the log under a loaded service, and looks at what is left of it. */
export async function chaosRun({ duration, seed, tell }: ChaosOptions): Promise<Figures> {
  const random = new Random(seed);
  const troubles = drawTroubles(random.fork());
  const figures: Figures = {
    logs: 0,
    duration: 0,
    troubles: new Map(),
    inFlight: [],
    acknowledged: 0,
    events: 0,
    effects: 0,
    begunAnew: 0,
    handledAgain: 0,
    feedInterruptions: 0,
    probes: new Map(),
    slowestCommand: 0,
    slowestQuery: 0,
    slowestRecovery: 0,
    problems: [],
  };
  while (figures.duration < duration && figures.problems.length === 0) {
    const left = Math.min(MS_PER_LOG, duration - figures.duration);
    const line = await oneLog(left, random.fork(), troubles, figures);
    tell(
      `${Math.round(figures.duration / 1_000)} s: ${line}, problems: ${figures.problems.length}`,
    );
  }
  return figures;
}

async function oneLog(
  duration: number,
  random: Random,
  troubles: Iterator<TroubleName, never>,
  figures: Figures,
): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-chaos-'));
  // On disk: what was acknowledged outlives a kill.
  const server = await spawnEventStoreDbServer({ folder: join(dataDir, 'cluster') });
  const settings: Variables = {
    ...settingsFor(server.connectionString, dataDir),
    EVENTSTOREDB_TIMEOUT_MS: String(TIMEOUT_MS),
  };
  const prefix = settings['EVENTSTOREDB_STREAM_PREFIX'] ?? '';
  const { eventStoreDb } = new Settings(settings);
  const service = await spawnService({ ...settings, DATA_DIR: join(dataDir, 'service') });
  const standstill = new Standstill();
  const journal = new Journal();
  const problems: string[] = [];
  const made: string[] = [];
  try {
    const effects = await Effects.start(eventStoreDb!);
    const feed = await FeedReader.start(service.port);
    const pool = { idle: [], counting: [], driven: [] };
    const load = await startLoad(service.port, journal, pool, random.fork(), {
      programs: PROGRAMS,
      timeoutMs: COMMAND_MS,
    });
    const probes = await Probes.start(service.port, journal, standstill, TIMEOUT_MS);

    const began = performance.now();
    while (performance.now() - began < duration && service.child.exitCode === null) {
      await delay(random.int(100, 1_500));
      const name = troubles.next().value;
      made.push(name);
      figures.troubles.set(name, (figures.troubles.get(name) ?? 0) + 1);
      figures.inFlight.push(journal.inFlight.size);
      await makeTrouble(name, server, random);
      const [healed, stood] = [performance.now(), standstill.total];
      const recovery = () => performance.now() - healed - (standstill.total - stood);
      const isBack = await until(RECOVERY_MS, () => probes.lastDone > healed, recovery);
      if (!isBack) problems.push(`${RECOVERY_MS} ms after "${name}" nothing is done yet.`);
      figures.slowestRecovery = Math.max(figures.slowestRecovery, Math.round(recovery()));
      if (random.chance(0.2)) await effects.restart();
    }
    figures.duration += performance.now() - began;
    if (service.child.exitCode !== null) throw new Error(`It ended:\n${service.output()}`);

    await probes.stop();
    load.end();
    await load.over;
    await Promise.all(load.clients.map((client) => client.close()));
    const open = [...journal.commands.values()].filter(
      (command) => command.actor !== 'prober' && isOpen(command),
    );
    problems.push(
      ...open.map(({ name, effectiveId }) => `${name} (${effectiveId}) was never answered.`),
    );

    // From here on nothing is written: approvers have been told of what waits for them.
    await withClient(service.port, sagasAreDone);
    const rows = await readClusterLog(server.connectionString, prefix);
    const end = rows.findLast(({ stream }) => stream.startsWith('task-'))?.position ?? '';
    const caughtUp = () => effects.hasReached(end) && feed.hasReached(end);
    if (!(await until(END_MS, caughtUp))) problems.push('The readers of the log stay behind.');
    await effects.stop();
    await feed.stop();
    const done = await readClusterLog(server.connectionString, EFFECTS_PREFIX);
    problems.push(
      ...probes.problems,
      ...journal.unexpected,
      ...checkLog(rows, journal),
      ...feed.problems(rows),
      ...effects.allProblems(rows, done),
      ...(await withClient(service.port, (client) => checkViews(client, rows))),
    );

    figures.logs++;
    figures.acknowledged += journal.acknowledged;
    figures.events += rows.length;
    figures.effects += done.length;
    figures.begunAnew += effects.begun - 1;
    figures.handledAgain += effects.again;
    figures.feedInterruptions += feed.interruptions;
    for (const [code, count] of probes.answers) {
      figures.probes.set(code, (figures.probes.get(code) ?? 0) + count);
    }
    figures.slowestCommand = Math.max(figures.slowestCommand, probes.slowestCommand);
    figures.slowestQuery = Math.max(figures.slowestQuery, probes.slowestQuery);
    return `${made.join(', ')}; ${journal.acknowledged} acknowledged, ${rows.length} events`;
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return `broken off after ${made.join(', ')}`;
  } finally {
    standstill.stop();
    figures.problems.push(...problems);
    await service.stop('SIGKILL');
    await server.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function withClient<T>(port: number, work: (client: TaskManager) => Promise<T>): Promise<T> {
  const client = await TaskManager.connect({ transport: 'tcp', port, actor: APP });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** False when that did not come true in time. */
async function until(
  ms: number,
  condition: () => boolean,
  passed: () => number = since(performance.now()),
): Promise<boolean> {
  while (!condition()) {
    if (passed() > ms) return false;
    await delay(10);
  }
  return true;
}

const since = (began: number) => () => performance.now() - began;
