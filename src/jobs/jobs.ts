import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Json, JobAnswer, JobInfo, JobKind, JobState } from '@taskmanager/protocol';
import { type Clock, contextOf, type Ids, Refusal } from '../context/index.js';
import { isDatabaseError, type ViewsDatabase } from '../database/index.js';
import { JobAborted, JobInterrupted, type JobWork, type ResumeJob, type RunJob } from './job.js';
import { ProgressMeter } from './job-progress.js';
import { type AbandonedJob, type IsRival, JobTable } from './job-table.js';

/** Jobs at a time in this process. */
const MOST_RUNNING = 8;
/** So many times within the silence that is taken for death does a process say that it is alive. */
const BEATS = 5;
/** An abort, and a shutdown, wait so long for a job to come to its end, milliseconds. */
const END_MS = 10_000;
/** While the file cannot be written, the end of a job is tried so often, every so many milliseconds. */
const KEEP = { times: 20, everyMs: 500 };

interface Running {
  readonly abort: AbortController;
  readonly meter: ProgressMeter;
  readonly ended: Promise<void>;
}

/**
 * Long work that an admin message starts: it answers at once, and the job is followed with `get_job`.
 * Jobs are remembered in `views.db`. When their process dies, those of a kind that can be gone on with
 * are, by whichever process of the folder sees it first; the others are `interrupted`.
 */
export class Jobs implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly table: JobTable;
  private readonly owner: string;
  private readonly running = new Map<string, Running>();
  private readonly resumable = new Map<JobKind, ResumeJob>();
  private beat: NodeJS.Timeout | undefined;
  private readonly stopping = new AbortController();

  /** `silentMs`: a process that is silent for so long is taken for dead, milliseconds. */
  constructor(
    database: ViewsDatabase,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly silentMs: number,
  ) {
    this.table = new JobTable(database);
    this.owner = ids.next();
  }

  /** Jobs of this kind are gone on with after a crash. To be said before the bootstrap. */
  resumes(kind: JobKind, resume: ResumeJob): void {
    this.resumable.set(kind, resume);
  }

  onApplicationBootstrap(): void {
    this.beat = setInterval(() => this.look(), this.silentMs / BEATS).unref();
    // Those of a life that ended in the same data folder a moment ago are seen at a later look.
    this.look();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.beat);
    const all = [...this.running.values()];
    for (const { abort } of all) abort.abort(new JobInterrupted('The service stopped.'));
    await within(END_MS, Promise.all(all.map(({ ended }) => ended)));
  }

  /**
   * Starts it and answers at once.
   * @param command the admin message, with its context: who starts it
   * @param isRival which running job of its kind, in whatever process of the folder, keeps it from beginning
   * @throws Refusal OVERLOADED when too many run; CONFLICT when a rival does; UNAVAILABLE
   */
  start(kind: JobKind, command: object, run: RunJob, isRival: IsRival = () => false): JobAnswer {
    if (this.stopping.signal.aborted) {
      throw new Refusal('UNAVAILABLE', 'The service stops: send it again later.');
    }
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
    const rival = written(() => this.table.add(job, this.owner, isRival));
    if (rival) {
      throw new Refusal(
        'CONFLICT',
        `Job ${rival.jobId} (${kind}) does that already: follow it, or abort it first.`,
        { jobId: rival.jobId },
      );
    }
    this.run(job, run);
    return { jobId };
  }

  find(jobId: string): JobInfo | undefined {
    const job = this.table.find(jobId);
    const progress = this.running.get(jobId)?.meter.progress;
    return job?.state === 'running' && progress ? { ...job, progress } : job;
  }

  /** Whatever process runs it, or is to go on with it. */
  isRunning(jobId: string): boolean {
    return this.table.find(jobId)?.state === 'running';
  }

  /** See {@link JobTable.page}. */
  page(...args: Parameters<JobTable['page']>): string[] {
    return this.table.page(...args);
  }

  /** Resolves when it has ended, within ten seconds; at once when another process runs it, which is told. */
  async abort(jobId: string, why: string): Promise<void> {
    const running = this.running.get(jobId);
    running?.abort.abort(new JobAborted(why));
    // Written down for one that runs here, too: killed before it has ended, it is not to be gone on with.
    written(() => this.table.wantEnd(jobId, why));
    if (running) await within(END_MS, running.ended);
  }

  private run(job: JobInfo, run: RunJob, why: string | null = null): void {
    const abort = new AbortController();
    const meter = new ProgressMeter(() => performance.now());
    const { jobId } = job;
    const { signal } = abort;
    if (why !== null) abort.abort(new JobAborted(why));
    const work: JobWork = { jobId, signal, report: (progress) => meter.report(progress) };
    const ended = this.toTheEnd(job, run, work).finally(() => this.running.delete(jobId));
    this.running.set(jobId, { abort, meter, ended });
  }

  /** Never rejects. */
  private async toTheEnd(job: JobInfo, run: RunJob, work: JobWork): Promise<void> {
    const { jobId, kind } = job;
    // Not in the turn of the message, which is answered first.
    await nextTurn();
    let outcome: { readonly result: object } | { readonly error: unknown };
    try {
      outcome = { result: await run(work) };
    } catch (error) {
      outcome = { error };
    }
    if ('result' in outcome) {
      const result = outcome.result as Json;
      await this.keepEnd(jobId, 'done', { result });
      return;
    }
    const { aborted } = work.signal;
    const reason: unknown = aborted ? work.signal.reason : outcome.error;
    const error = reason instanceof Error ? reason.message : String(reason);
    if (!(reason instanceof JobInterrupted)) {
      if (!aborted) this.logger.warn(`Job ${jobId} (${kind}) failed: ${error}`);
      await this.keepEnd(jobId, aborted ? 'aborted' : 'failed', { error });
    } else if (this.resumable.has(kind)) {
      // The next life of the process goes on with it, or another process does already.
      await this.keep(jobId, () => this.table.abandon(jobId, this.owner));
    } else {
      await this.keepEnd(jobId, 'interrupted', { error });
    }
  }

  private keepEnd(
    jobId: string,
    state: Exclude<JobState, 'running'>,
    outcome: { readonly result?: Json; readonly error?: string },
  ): Promise<void> {
    return this.keep(jobId, () => {
      this.table.end(jobId, this.owner, state, this.clock.now(), outcome);
    });
  }

  /** What cannot be written even later is seen as abandoned by whoever looks next. */
  private async keep(jobId: string, write: () => void): Promise<void> {
    const { signal } = this.stopping;
    for (let tried = 1; ; tried++) {
      try {
        write();
        return;
      } catch (fault) {
        if (tried >= KEEP.times || signal.aborted) {
          this.logger.warn(`The end of job ${jobId} cannot be kept: ${String(fault)}`);
          return;
        }
        await sleep(KEEP.everyMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  /** Tells that this process is alive, hears who is to be ended, and takes over what dead ones have left. */
  private look(): void {
    try {
      for (const [jobId, running] of this.running) this.tell(jobId, running);
      const now = this.clock.now();
      const silentSince = now - this.silentMs;
      for (const abandoned of this.table.abandoned(silentSince)) {
        const { jobId } = abandoned.job;
        if (this.running.has(jobId)) continue;
        if (this.table.adopt(jobId, this.owner, now, silentSince)) this.goOn(abandoned);
      }
    } catch (error) {
      this.logger.debug(`Jobs cannot be looked at now: ${String(error)}`);
    }
  }

  private tell(jobId: string, { abort, meter }: Running): void {
    const wish = this.table.seen(jobId, this.owner, this.clock.now(), meter.progress);
    if (abort.signal.aborted) return;
    if (wish === undefined) {
      abort.abort(new JobInterrupted('Another process took it over, for this one was silent.'));
    } else if (wish !== null) {
      abort.abort(new JobAborted(wish));
    }
  }

  private goOn({ job, abort }: AbandonedJob): void {
    const resume = this.resumable.get(job.kind);
    if (resume) this.run(job, (work) => resume(work, job.args), abort);
    else void this.keepEnd(job.jobId, 'interrupted', { error: 'The process that ran it ended.' });
  }
}

/** Another process may be writing for long, or the disk be full: whoever asked may ask again. */
function written<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    throw new Refusal(
      'UNAVAILABLE',
      `Jobs cannot be written down now: ${error.message}. Send it again later.`,
    );
  }
}

/** Waits for it, but no longer than that. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  const limit = new AbortController();
  const late = sleep(ms, undefined, { signal: limit.signal, ref: false }).catch(() => undefined);
  await Promise.race([done, late]);
  limit.abort();
}
