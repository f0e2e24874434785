import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Json, JobAnswer, JobInfo, JobKind, JobProgress } from '@taskmanager/protocol';
import { Clock, contextOf, Ids, Refusal } from '../context/index.js';
import { ViewsDatabase } from '../database/index.js';
import { ProgressMeter } from './job-progress.js';
import { JobTable } from './job-table.js';

/** Jobs at a time in this process. */
const MOST_RUNNING = 8;
/** So often a process says that it is alive, and looks for jobs whose process is not, milliseconds. */
const BEAT_MS = 2_000;
/** Silent for so long, a process is taken for dead. */
const SILENT_MS = 10_000;

/** What the code of a job is given. */
export interface JobWork {
  readonly jobId: string;
  /** Fires when the job is aborted or the service stops: end soon, leave nothing behind. */
  readonly signal: AbortSignal;
  /** Cheap: may be called for every page. */
  report(progress: Omit<JobProgress, 'rate' | 'leftMs'>): void;
}

export type RunJob = (work: JobWork) => Promise<object>;

/** Goes on with a job that another life of the process began; `args` are what it was started with. */
export type ResumeJob = (work: JobWork, args: JobInfo['args']) => Promise<object>;

interface Running {
  readonly abort: AbortController;
  readonly meter: ProgressMeter;
  readonly ended: Promise<void>;
}

class Aborted extends Error {
  override readonly name = 'Aborted';
}

/**
 * Long work that an admin message starts: it answers at once, and the job is followed with `get_job`.
 * Jobs are remembered in `views.db`. When their process dies, those of a kind that can be gone on with
 * are, by whichever process of the folder sees it first; the others are `interrupted`.
 */
@Injectable()
export class Jobs implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly table: JobTable;
  private readonly owner: string;
  private readonly running = new Map<string, Running>();
  private readonly resumable = new Map<JobKind, ResumeJob>();
  private beat: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    database: ViewsDatabase,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    this.table = new JobTable(database);
    this.owner = ids.next();
  }

  /** Jobs of this kind are gone on with after a crash. To be said before the bootstrap. */
  resumes(kind: JobKind, resume: ResumeJob): void {
    this.resumable.set(kind, resume);
  }

  onApplicationBootstrap(): void {
    this.beat = setInterval(() => this.look(), BEAT_MS).unref();
    // Those of a life that ended in the same data folder a moment ago are seen at a later look.
    this.look();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearInterval(this.beat);
    const all = [...this.running.values()];
    for (const { abort } of all) abort.abort(new Aborted('The service stopped.'));
    await Promise.all(all.map(({ ended }) => ended));
  }

  /**
   * Starts it and answers at once.
   * @param command the admin message, with its context: who starts it
   * @throws Refusal OVERLOADED when too many run
   */
  start(kind: JobKind, command: object, run: RunJob): JobAnswer {
    if (this.stopping) throw new Refusal('UNAVAILABLE', 'The service stops: send it again later.');
    if (this.running.size >= MOST_RUNNING) {
      throw new Refusal(
        'OVERLOADED',
        `${this.running.size} jobs run already: wait until one ends, or abort one.`,
      );
    }
    const { actor } = contextOf(command);
    const jobId = this.ids.next();
    const args = JSON.parse(JSON.stringify(command)) as JobInfo['args'];
    const startedAt = this.clock.now();
    const job: JobInfo = { jobId, kind, state: 'running', by: actor.id, args, startedAt };
    this.table.add(job, this.owner);
    this.run(job, run);
    return { jobId };
  }

  find(jobId: string): JobInfo | undefined {
    const job = this.table.find(jobId);
    const progress = this.running.get(jobId)?.meter.progress;
    return job && progress ? { ...job, progress } : job;
  }

  page(...args: Parameters<JobTable['page']>): JobInfo[] {
    return this.table.page(...args).map((job) => this.find(job.jobId) ?? job);
  }

  /** Resolves when it has ended, or at once when it had. False when another process runs it. */
  async abort(jobId: string, why: string): Promise<boolean> {
    const running = this.running.get(jobId);
    if (!running) return this.table.find(jobId)?.state !== 'running';
    running.abort.abort(new Aborted(why));
    await running.ended;
    return true;
  }

  private run(job: JobInfo, run: RunJob): void {
    const abort = new AbortController();
    const meter = new ProgressMeter(() => performance.now());
    const { jobId } = job;
    const { signal } = abort;
    const work: JobWork = { jobId, signal, report: (progress) => meter.report(progress) };
    const ended = this.toTheEnd(job, run, work).finally(() => this.running.delete(jobId));
    this.running.set(jobId, { abort, meter, ended });
  }

  /** Never rejects. */
  private async toTheEnd(job: JobInfo, run: RunJob, work: JobWork): Promise<void> {
    const { jobId, kind } = job;
    try {
      // Not in the turn of the message, which is answered first.
      await new Promise((resolve) => setImmediate(resolve));
      const result = (await run(work)) as Json;
      this.table.end(jobId, 'done', this.clock.now(), { result });
    } catch (error) {
      const reason: unknown = work.signal.aborted ? work.signal.reason : error;
      // Left as it is, the next life of the process goes on with it.
      if (this.stopping && this.resumable.has(kind)) return;
      const message = reason instanceof Error ? reason.message : String(reason);
      const state = this.stopping ? 'interrupted' : work.signal.aborted ? 'aborted' : 'failed';
      this.settle(jobId, state, message);
      if (state === 'failed') this.logger.warn(`Job ${jobId} (${kind}) failed: ${message}`);
    }
  }

  private settle(jobId: string, state: 'failed' | 'aborted' | 'interrupted', error: string): void {
    try {
      this.table.end(jobId, state, this.clock.now(), { error });
    } catch (fault) {
      this.logger.warn(`Job ${jobId} is ${state}, which cannot be kept: ${String(fault)}`);
    }
  }

  /** Tells that this process is alive, and takes over what dead ones have left. */
  private look(): void {
    const now = this.clock.now();
    const silentSince = now - SILENT_MS;
    try {
      if (this.running.size > 0) this.table.seen(this.owner, now);
      for (const job of this.table.abandoned(silentSince)) {
        if (this.running.has(job.jobId)) continue;
        if (!this.table.adopt(job.jobId, this.owner, now, silentSince)) continue;
        const resume = this.resumable.get(job.kind);
        if (resume) this.run(job, (work) => resume(work, job.args));
        else this.settle(job.jobId, 'interrupted', 'The process that ran it ended.');
      }
    } catch (error) {
      this.logger.debug(`Jobs cannot be looked at now: ${String(error)}`);
    }
  }
}
