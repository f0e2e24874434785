import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskManager } from '@taskmanager/client';
import type { JobInfo, ProjectionReport } from '@taskmanager/protocol';
import { SqliteEventLog } from '../../src/event-store/sqlite/index.js';
import {
  ProgressUpdated,
  TaskCompleted,
  TaskDeleted,
  TaskFailed,
  TaskStarted,
} from '../../src/events/index.js';
import { TaskLog } from '../../src/projections/task-log.fixture.js';
import { doneJob } from '../job-done.js';
import { type ServiceProcess, spawnService } from '../service.js';
import { readLogFile } from './log-rows.js';
import type { Random } from './random.js';
import { checkViews } from './view-checks.js';

/** Commands in flight while the view is rebuilt. */
const IN_FLIGHT = 16;
const LATEST_KILL_MS = 900;
const LIMIT_MS = 60_000;
const APPENDS_AT_ONCE = 200;

export interface RebuildRun {
  /** Kills of a process that ran a rebuild, by what the rebuild was at. */
  readonly kills: Record<string, number>;
  /** Rebuilds that came to their end, and in how many lives each. */
  readonly lives: readonly number[];
  readonly problems: readonly string[];
}

/** Rebuilds the task view under commands, and kills the service in the middle of that, again and again. */
export async function rebuildRounds(
  rounds: number,
  tasks: number,
  random: Random,
): Promise<RebuildRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmanager-rebuild-'));
  const kills: Record<string, number> = {};
  const lives: number[] = [];
  const problems: string[] = [];
  let service: ServiceProcess | undefined;
  try {
    const ids = await fill(join(dataDir, 'log.db'), tasks);
    let jobId: string | undefined;
    let begunIn = 0;
    for (let round = 0; round <= rounds; round++) {
      service = await spawnService({ DATA_DIR: dataDir, PROCESSOR_LEASE_MS: '1000' });
      const client = await connected(service);
      const load = startCommands(client, ids);
      const last = await stateOf(client, jobId);
      if (last && last.state !== 'running') {
        problems.push(...endedWell(last));
        lives.push(round - begunIn);
        jobId = undefined;
      }
      if (jobId === undefined) {
        begunIn = round;
        jobId = (await client.admin.rebuildProjection('tasks', { keepOld: false })).jobId;
      }
      await untilItWorks(client, jobId);
      // Without commands it comes to the comparison soon.
      const isLate = round % 2 === 1;
      if (isLate || round === rounds) await load.end();
      if (round === rounds) {
        await doneJob(client, jobId);
        lives.push(round - begunIn + 1);
        await client.close();
        break;
      }
      if (isLate) await untilCompared(client, jobId);
      await delay(random.int(0, isLate ? LATEST_KILL_MS / 4 : LATEST_KILL_MS));
      const at = await stateOf(client, jobId);
      const step = at?.state === 'running' ? (at.progress?.step ?? 'start') : 'after';
      kills[step] = (kills[step] ?? 0) + 1;
      const killed = service.stop('SIGKILL');
      await load.end();
      await killed;
      await client.close({ waitMs: 0 });
    }
    problems.push(...(await lookAt(service!, dataDir)));
  } finally {
    if (service?.child.exitCode === null && service.child.signalCode === null) {
      await service.stop('SIGKILL');
    }
    rmSync(dataDir, { recursive: true, force: true });
  }
  return { kills, lives, problems };
}

const connected = ({ port }: ServiceProcess): Promise<TaskManager> =>
  TaskManager.connect({ transport: 'tcp', port, timeoutMs: LIMIT_MS, maxInFlight: 256 });

async function stateOf(
  client: TaskManager,
  jobId: string | undefined,
): Promise<JobInfo | undefined> {
  return jobId === undefined ? undefined : client.admin.getJob(jobId);
}

/** After a kill somebody has to see first that nobody runs it any more. */
async function untilItWorks(client: TaskManager, jobId: string): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  let before: number | undefined;
  for (;;) {
    const { state, progress } = await client.admin.getJob(jobId);
    if (state !== 'running') return;
    if (before !== undefined && progress?.rate !== undefined && progress.done !== before) return;
    before ??= progress?.done ?? 0;
    if (performance.now() > limit) throw new Error(`Nobody goes on with job ${jobId}.`);
    await delay(20);
  }
}

/** Or until it is over. */
async function untilCompared(client: TaskManager, jobId: string): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { state, progress } = await client.admin.getJob(jobId);
    if (state !== 'running' || progress?.step === 'verify') return;
    if (performance.now() > limit) throw new Error(`Job ${jobId} does not come to compare.`);
    await delay(5);
  }
}

function endedWell({ jobId, state, error }: JobInfo): string[] {
  return state === 'done' ? [] : [`Job ${jobId} is ${state}: ${error}`];
}

/** What the service shows beside the fold of test/model; one build serves, and nothing else is left. */
async function lookAt(service: ServiceProcess, dataDir: string): Promise<string[]> {
  const client = await connected(service);
  const { jobId } = await client.admin.verifyProjection('tasks');
  const report: ProjectionReport = await doneJob<'verify_projection'>(client, jobId);
  const problems = report.differences.map(({ taskId, text }) => `verify: ${taskId} ${text}`);
  problems.push(...(await checkViews(client, readLogFile(join(dataDir, 'log.db')))));
  const { jobs } = await client.admin.listJobs({ states: ['running'] });
  for (const { jobId: left } of jobs) problems.push(`Job ${left} runs for ever.`);
  await client.close();
  await service.stop();
  return problems;
}

function startCommands(client: TaskManager, ids: readonly string[]) {
  let isOver = false;
  const drive = async (place: number) => {
    for (let n = place; !isOver; n += IN_FLIGHT) {
      const id = ids[n % ids.length]!;
      // Refused where the task is over: that is an answer too. Cut off by the kill: nobody asks again.
      await client.updateTaskProgress(id, n, 1_000_000).catch(() => undefined);
    }
  };
  const over = Promise.all(Array.from({ length: IN_FLIGHT }, (_, place) => drive(place)));
  return {
    end: async () => {
      isOver = true;
      await Promise.race([over, once(AbortSignal.timeout(1_000), 'abort')]);
    },
  };
}

/** Tasks in all states, in a log that no service has seen yet. */
async function fill(file: string, tasks: number): Promise<string[]> {
  const log = SqliteEventLog.open({ file });
  const story = new TaskLog(log);
  const ids: string[] = [];
  const one = async (n: number) => {
    const id = await story.create({
      name: `task ${n}`,
      labels: { team: `${n % 7}` },
      data: { n },
      taskType: `type_${n % 5}`,
      runBy: n % 4 === 0 ? 'worker' : 'app',
    });
    ids.push(id);
    if (n % 4 === 0) return;
    await story.append(id, new TaskStarted({ attempt: 1 }));
    for (let progress = 1; progress <= 5; progress++) {
      await story.append(id, new ProgressUpdated({ progress }));
    }
    if (n % 4 === 1) await story.append(id, new TaskCompleted({ result: { n } }));
    if (n % 8 === 2) {
      const error = `broken ${n}`;
      await story.append(id, new TaskFailed({ error, retryable: true, willRetry: false }));
    }
    if (n % 16 === 5) await story.append(id, new TaskDeleted({}));
  };
  for (let n = 0; n < tasks; n += APPENDS_AT_ONCE) {
    const some = Array.from({ length: Math.min(APPENDS_AT_ONCE, tasks - n) }, (_, k) => one(n + k));
    await Promise.all(some);
  }
  await log.close();
  return ids;
}
