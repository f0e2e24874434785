import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type JobInfo, type JobState, LIMITS } from '@taskmanager/protocol';
import { validateSync } from 'class-validator';
import { SystemClock, TimeOrderedIds, withContext } from '../context/index.js';
import { ViewsDatabase } from '../database/index.js';
import { AbortJob } from './abort-job.command.js';
import { AbortJobHandler } from './abort-job.handler.js';
import { GetJobHandler } from './get-job.handler.js';
import { JobInterrupted, Jobs, type JobWork, type RunJob } from './index.js';
import { ListJobsHandler } from './list-jobs.handler.js';
import { until } from '../../test/until.js';

Logger.overrideLogger(false);

/** Silent for so long, a process is taken for dead. */
const SILENT_MS = 250;
const KIND = 'rebuild_projection';

const command = <C extends object>(message: C): C =>
  withContext(message, {
    actor: { id: 'root', roles: ['admin'], verified: true },
    correlationId: 'c',
  });

/** Runs until it is told to end. */
const untilAborted: RunJob = async ({ signal }) => {
  if (!signal.aborted) await once(signal, 'abort');
  throw new Error('It was told to end.');
};

describe('jobs', () => {
  let folder: string;
  const processes: { jobs: Jobs; database: ViewsDatabase }[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  });
  afterEach(async () => {
    for (const { jobs, database } of processes.splice(0)) {
      await jobs.beforeApplicationShutdown();
      database.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** A process on the folder that has not said that it lives yet. */
  async function frozen(silentMs = SILENT_MS): Promise<Jobs> {
    const database = await ViewsDatabase.open(join(folder, 'views.db'), () => undefined);
    const jobs = new Jobs(database, new SystemClock(), new TimeOrderedIds(), silentMs);
    processes.push({ jobs, database });
    return jobs;
  }

  async function living(): Promise<Jobs> {
    const jobs = await frozen();
    jobs.onApplicationBootstrap();
    return jobs;
  }

  const start = (jobs: Jobs, run: RunJob, fields: object = {}): string =>
    jobs.start(KIND, command(fields), run).jobId;

  async function ended(jobs: Jobs, jobId: string) {
    await until(() => jobs.find(jobId)?.state !== 'running');
    return jobs.find(jobId)!;
  }

  it('answer at once, and keep who started them, with what, and what came of it', async () => {
    const jobs = await living();
    let begun = false;
    const run = async () => {
      begun = true;
      return { rows: 3 };
    };
    const jobId = start(jobs, run, { projection: 'tasks' });
    expect(begun).toBe(false);
    expect(await ended(jobs, jobId)).toEqual({
      jobId,
      kind: KIND,
      state: 'done',
      by: 'root',
      args: { projection: 'tasks' },
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      result: { rows: 3 },
    });
  });

  it('say why they failed', async () => {
    const jobs = await living();
    const jobId = start(jobs, async () => Promise.reject(new Error('no space left')));
    expect(await ended(jobs, jobId)).toMatchObject({ state: 'failed', error: 'no space left' });
  });

  it('are ended by an abort, which says who wanted it and why', async () => {
    const jobs = await living();
    const jobId = start(jobs, untilAborted);
    const abort = command(Object.assign(new AbortJob(), { jobId, reason: 'not tonight' }));
    const answered = await new AbortJobHandler(jobs).execute(abort);
    expect(answered).toMatchObject({ state: 'aborted' });
    expect(answered.error).toMatch(/root.*not tonight/);
    // One that has ended stays as it is.
    expect(await new AbortJobHandler(jobs).execute(abort)).toEqual(answered);
  });

  it('take a reason that is no longer than it may be, whatever it is made of', () => {
    const about = { jobId: '0190a5a0-0000-7000-8000-000000000001' };
    const broken = (reason: string) =>
      validateSync(Object.assign(new AbortJob(), { ...about, reason })).map(
        ({ property }) => property,
      );
    expect(broken('r'.repeat(1_000))).toEqual([]);
    for (const reason of ['', 'r'.repeat(1_001), `r${'\ufe0f'.repeat(1_000)}`]) {
      expect(broken(reason)).toEqual(['reason']);
    }
  });

  it('refuse more than eight at a time, and an id that nobody has given out', async () => {
    const jobs = await living();
    for (let n = 0; n < 8; n++) start(jobs, untilAborted);
    expect(() => start(jobs, untilAborted)).toThrow(/8 jobs run already/);
    const query = { jobId: '0190a5a0-0000-7000-8000-000000000001' };
    await expect(new GetJobHandler(jobs).execute(query)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  it('begin once of those that are rivals, whichever process is asked', async () => {
    const [one, other] = [await living(), await living()];
    const ofTasks = ({ args }: JobInfo) => args['projection'] === 'tasks';
    const begin = (jobs: Jobs) =>
      jobs.start(KIND, command({ projection: 'tasks' }), untilAborted, ofTasks);
    const { jobId } = begin(one);
    for (const jobs of [one, other]) {
      expect(() => begin(jobs)).toThrow(
        expect.objectContaining({ code: 'CONFLICT', details: { jobId } }),
      );
    }
    const audit = start(other, untilAborted, { projection: 'audit' });
    expect(other.page(['running'], undefined, 9)).toEqual([audit, jobId]);
    await one.abort(jobId, 'enough');
    expect(begin(other).jobId).not.toBe(jobId);
  });

  it('tell how far they are, with the rate of late and an estimate', async () => {
    const jobs = await living();
    const jobId = start(jobs, async (work) => {
      for (let done = 0; !work.signal.aborted; done += 10) {
        work.report({ step: 'fold', done, total: 1_000_000, unit: 'events' });
        await sleep(5);
      }
      return untilAborted(work);
    });
    await until(() => (jobs.find(jobId)?.progress?.rate ?? 0) > 0);
    const { done, rate = 0, leftMs = 0 } = jobs.find(jobId)!.progress!;
    expect(done).toBeGreaterThan(0);
    expect(leftMs / 1_000).toBeCloseTo((1_000_000 - done) / rate, -3);
  });

  it('are listed page by page, the newest first, by state', async () => {
    const jobs = await living();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(start(jobs, async () => ({ n })));
    for (const id of ids) await ended(jobs, id);
    const running = start(jobs, untilAborted);
    const list = (cursor?: string, states?: JobState[]) =>
      new ListJobsHandler(jobs).execute({
        limit: 3,
        ...(cursor && { cursor }),
        ...(states && { states }),
      });
    const first = await list(undefined, ['done']);
    expect(first.jobs.map(({ jobId }) => jobId)).toEqual(ids.slice(0, 3));
    const second = await list(first.nextCursor, ['done']);
    expect(second.jobs.map(({ jobId }) => jobId)).toEqual(ids.slice(3));
    expect(second.nextCursor).toBeUndefined();
    expect((await list()).jobs[0]).toMatchObject({ jobId: running, state: 'running' });
  });

  it('are listed as far as one answer holds their results, and those behind are not read', async () => {
    const jobs = await living();
    const result = { text: 'x'.repeat(LIMITS.answerBytes / 2 - 1_000) };
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(start(jobs, async () => result));
    for (const id of ids) await ended(jobs, id);
    const find = jest.spyOn(jobs, 'find');
    const page = await new ListJobsHandler(jobs).execute({ limit: 5 });
    expect(page.jobs.map(({ jobId }) => jobId)).toEqual(ids.slice(0, 2));
    expect(page.nextCursor).toBe(ids[1]);
    expect(find).toHaveBeenCalledTimes(3);
  });

  it('are interrupted by a shutdown, which waits for them and starts no others', async () => {
    const jobs = await living();
    let over = false;
    const jobId = start(jobs, async (work) => {
      await untilAborted(work).catch(() => sleep(30));
      over = true;
      throw new Error('It was told to end.');
    });
    await jobs.beforeApplicationShutdown();
    expect(over).toBe(true);
    expect(jobs.find(jobId)).toMatchObject({ state: 'interrupted', error: 'The service stopped.' });
    expect(() => start(jobs, untilAborted)).toThrow(/stops/);
  });

  it('go on under the same id after a shutdown, when their kind can be gone on with', async () => {
    const before = await frozen(60_000);
    before.resumes(KIND, untilAborted);
    before.onApplicationBootstrap();
    const jobId = start(before, untilAborted, { projection: 'tasks' });
    await before.beforeApplicationShutdown();
    expect(before.find(jobId)?.state).toBe('running');

    const after = await frozen(60_000);
    after.resumes(KIND, async (work, args) => ({ resumed: work.jobId, args }));
    // At once, not after a minute of silence: whoever stopped in order has said so.
    after.onApplicationBootstrap();
    expect(await ended(after, jobId)).toMatchObject({
      state: 'done',
      result: { resumed: jobId, args: { projection: 'tasks' } },
    });
  });

  it('are taken over from a process that died, and not before it is silent for long', async () => {
    const dead = await frozen();
    const jobId = start(dead, untilAborted);
    const begun = Date.now();
    const other = await frozen();
    other.resumes(KIND, async () => ({ by: 'other' }));
    other.onApplicationBootstrap();
    expect(await ended(other, jobId)).toMatchObject({ state: 'done', result: { by: 'other' } });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(SILENT_MS);
  });

  it('are interrupted when their process died and nobody can go on with their kind', async () => {
    const jobId = start(await frozen(), untilAborted);
    const other = await living();
    expect(await ended(other, jobId)).toMatchObject({
      state: 'interrupted',
      error: 'The process that ran it ended.',
    });
  });

  it('stay with a process that lives, are seen by others, and are aborted over them', async () => {
    const one = await living();
    const other = await frozen();
    other.resumes(KIND, async () => ({ by: 'other' }));
    other.onApplicationBootstrap();
    const jobId = start(one, (work) => {
      work.report({ done: 7, unit: 'events' });
      return untilAborted(work);
    });
    await until(() => other.find(jobId)?.progress?.done === 7);
    // What a process that died has left, later than that, is taken over by then.
    await ended(other, start(await frozen(), untilAborted));
    expect(other.find(jobId)?.state).toBe('running');
    await other.abort(jobId, 'by the other door');
    expect(await ended(other, jobId)).toMatchObject({
      state: 'aborted',
      error: 'by the other door',
    });
  });

  it('end in a process that was only frozen when another one has taken them over', async () => {
    const slow = await frozen();
    let reason: unknown;
    const jobId = start(slow, async (work) => {
      await untilAborted(work).catch(() => undefined);
      reason = work.signal.reason;
      throw new Error('It was told to end.');
    });
    const other = await frozen();
    let finish: ((result: object) => void) | undefined;
    other.resumes(KIND, () => new Promise((resolve) => (finish = resolve)));
    other.onApplicationBootstrap();
    await until(() => finish !== undefined);
    slow.onApplicationBootstrap();
    await until(() => reason !== undefined);
    expect(reason).toBeInstanceOf(JobInterrupted);
    // What the slow one says no longer counts.
    expect(other.find(jobId)?.state).toBe('running');
    finish?.({ by: 'other' });
    expect(await ended(slow, jobId)).toMatchObject({ state: 'done', result: { by: 'other' } });
  });

  it('are aborted all the same when the process dies before they have ended', async () => {
    const dying = await frozen();
    let die: (() => void) | undefined;
    const jobId = start(dying, () => new Promise((resolve) => (die = () => resolve({}))));
    await until(() => die !== undefined);
    void dying.abort(jobId, 'enough');
    const other = await frozen();
    other.resumes(KIND, untilAborted);
    other.onApplicationBootstrap();
    expect(await ended(other, jobId)).toMatchObject({ state: 'aborted', error: 'enough' });
    die?.();
  });

  it('are resumed only to take back what they made, when an abort was wanted meanwhile', async () => {
    const jobId = start(await frozen(), untilAborted);
    const other = await frozen();
    await other.abort(jobId, 'enough');
    const seen: boolean[] = [];
    other.resumes(KIND, async (work: JobWork) => {
      seen.push(work.signal.aborted);
      throw new Error('It was told to end.');
    });
    other.onApplicationBootstrap();
    expect(await ended(other, jobId)).toMatchObject({ state: 'aborted', error: 'enough' });
    expect(seen).toEqual([true]);
  });
});
