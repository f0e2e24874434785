import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import { runMain, type ServiceProcess, spawnService } from '../service.js';
import { Journal, type SentCommand } from './journal.js';
import { loadAndKill } from './load.js';
import { checkGrowth, checkLog } from './log-checks.js';
import { type EventStoreName, type LogPlace, makeLogPlace } from './log-place.js';
import type { LogRow } from './log-rows.js';
import type { TaskPool } from './program.js';
import { Random } from './random.js';
import { sagasAreDone } from './sagas-are-done.js';
import { sendAgain } from './send-again.js';
import { APP } from './sender.js';
import { checkViews, foldLog } from './view-checks.js';

/** A log is thrown away after so many rounds, for every round looks at all of it. */
const ROUNDS_PER_LOG = 10;
export const LEAST_IN_FLIGHT = 32;
/** Of the one who was killed: so long nobody runs sagas. */
const LEASE_MS = '1000';

export interface Figures {
  rounds: number;
  /** Of processes under load. */
  kills: number;
  /** Of processes that were starting, reading back what the kill before had left. */
  killsAtStart: number;
  acknowledged: number;
  /** The same by kind; those are counted too that were acknowledged when they were sent again. */
  readonly kinds: Map<string, number>;
  /** At each kill under load. */
  readonly inFlight: number[];
  readonly unanswered: number[];
  /** Of those without an answer: taken effect by the time of the kill. */
  sentAgain: number;
  tookEffectBefore: number;
  acknowledgedSentAgain: number;
  events: number;
  readonly problems: string[];
}

export interface CrashOptions {
  readonly store: EventStoreName;
  readonly rounds: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
  /** The folder of a log with problems stays. */
  readonly keep: boolean;
}

/** Kills the service under load, again and again, and looks after each time at what is left. */
export async function crashRounds(options: CrashOptions): Promise<Figures> {
  const { store, rounds, seed, tell, keep } = options;
  const random = new Random(seed);
  const figures: Figures = {
    rounds: 0,
    kills: 0,
    killsAtStart: 0,
    acknowledged: 0,
    kinds: new Map(),
    inFlight: [],
    unanswered: [],
    sentAgain: 0,
    tookEffectBefore: 0,
    acknowledgedSentAgain: 0,
    events: 0,
    problems: [],
  };
  let crash: Crash | undefined;
  try {
    for (let round = 0; round < rounds; round++) {
      if (round % ROUNDS_PER_LOG === 0) {
        await crash?.forget();
        crash = await Crash.begin(store, random, figures);
      }
      const line = await crash!.round(round).catch((error: unknown) => {
        const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
        figures.problems.push(what);
        return 'broken off';
      });
      const found = figures.problems.length;
      tell(`round ${round + 1} of ${rounds}: ${line}, problems: ${found}`);
      if (found > 0) break;
    }
  } finally {
    const stays = keep && store === 'sqlite' && figures.problems.length > 0;
    if (stays) tell(`The log stays in ${crash?.dataDir}.`);
    else await crash?.forget();
  }
  return figures;
}

/** One log and all that happens to it. */
class Crash {
  private readonly journal = new Journal();
  private rows: readonly LogRow[] = [];
  private startMs = 1_000;

  private constructor(
    readonly dataDir: string,
    private readonly place: LogPlace,
    private readonly random: Random,
    private readonly figures: Figures,
  ) {}

  static async begin(store: EventStoreName, random: Random, figures: Figures): Promise<Crash> {
    const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-crash-'));
    return new Crash(dataDir, await makeLogPlace(store, dataDir), random, figures);
  }

  async forget(): Promise<void> {
    await this.place.forget();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async round(number: number): Promise<string> {
    const { random, figures, journal } = this;
    const withoutViews = number % 3 === 1;
    if (withoutViews) this.loseViews();
    const known = new Set(journal.commands.values());

    const service = await this.start(number % 2 === 1 ? random.int(0, 2) : 0);
    // Without its views the service builds them while the load runs: then the kill comes early.
    const target = random.int(0, withoutViews ? 200 : 1_500);
    const kill = await loadAndKill(service, journal, this.pool(), random, target);
    figures.kills++;
    figures.inFlight.push(kill.inFlight);
    figures.unanswered.push(kill.unanswered);

    const again = await this.start(random.int(number === 0 ? 1 : 0, 2));
    try {
      const since = new Set([...journal.commands.values()].filter((each) => !known.has(each)));
      const sent = await this.lookAt(again, since);
      figures.rounds++;
      figures.acknowledged += kill.acknowledged;
      for (const { name, answer } of since) {
        if (answer) figures.kinds.set(name, (figures.kinds.get(name) ?? 0) + 1);
      }
      figures.sentAgain += sent.open;
      figures.tookEffectBefore += sent.tookEffectBefore;
      figures.acknowledgedSentAgain += sent.acknowledged;
      return [
        `${kill.acknowledged} acknowledged`,
        `${kill.inFlight} in flight at the kill`,
        `${sent.open} never answered (${sent.tookEffectBefore} of them had taken effect)`,
        `${this.rows.length} events in the log`,
        ...(withoutViews ? ['views lost before'] : []),
      ].join(', ');
    } finally {
      await again.stop('SIGKILL');
    }
  }

  /** Looks at everything, sends again what has to be, and looks once more. */
  private async lookAt(service: ServiceProcess, since: ReadonlySet<SentCommand>) {
    const { journal, figures } = this;
    const found = await this.place.read();
    this.tell('after the restart', [...checkGrowth(this.rows, found), ...checkLog(found, journal)]);
    const problems: string[] = [];
    const sent = await sendAgain(service.port, journal, found, since, this.random, problems);
    this.tell('when sent again', problems);

    const client = await TaskManager.connect({ transport: 'tcp', port: service.port, actor: APP });
    let rows: readonly LogRow[];
    try {
      // From here on nothing is written: approvers have been told of what waits for them.
      await sagasAreDone(client);
      rows = await this.place.read();
      this.tell('after all was sent again', [
        ...checkGrowth(found, rows),
        ...checkLog(rows, journal),
        ...journal.unexpected.splice(0),
      ]);
      this.tell('in the views', await checkViews(client, rows));
    } finally {
      await client.close();
    }
    figures.events += rows.length - this.rows.length;
    this.rows = rows;
    return sent;
  }

  /** Starts the service, after killing it so many times while it starts. */
  private async start(kills: number): Promise<ServiceProcess> {
    const { random, figures } = this;
    const settings = {
      ...this.place.settings,
      DATA_DIR: this.dataDir,
      PROCESSOR_LEASE_MS: LEASE_MS,
      LEASE_GRACE_MS: '200',
    };
    for (let n = 0; n < kills; n++) {
      const { child, exit } = runMain({ TCP_PORT: '0', ...settings });
      await Promise.race([delay(random.next() * this.startMs), once(child, 'exit')]);
      child.kill('SIGKILL');
      const how = await exit;
      if (how !== 'SIGKILL') throw new Error(`It ended with ${how} while it started.`);
      figures.killsAtStart++;
    }
    const began = performance.now();
    const service = await spawnService(settings);
    this.startMs = performance.now() - began;
    return service;
  }

  private loseViews(): void {
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(join(this.dataDir, `views.db${suffix}`), { force: true });
    }
  }

  /** The tasks of earlier rounds, to be gone on with. */
  private pool(): TaskPool {
    const known = [...foldLog(this.rows).values()].map((task) => ({
      taskType: task.taskType,
      driven: {
        id: task.id,
        status: task.status,
        revision: task.revision,
        completed: task.completedItems ?? 0,
      },
    }));
    const of = (counting: boolean) =>
      known.filter(({ taskType }) => (taskType === 'counting') === counting);
    return {
      idle: of(false)
        .map(({ driven }) => driven)
        .filter(({ status }) => status !== 'deleted'),
      counting: of(true).map(({ driven }) => driven),
      driven: [],
    };
  }

  private tell(when: string, problems: readonly string[]): void {
    this.figures.problems.push(...problems.map((problem) => `${when}: ${problem}`));
  }
}
