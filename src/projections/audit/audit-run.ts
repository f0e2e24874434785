import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  DryRunReport,
  Position,
  ProjectionReport,
  RebuildReport,
} from '@taskmanager/protocol';
import { type Clock, Refusal } from '../../context/index.js';
import type { ViewsDatabase } from '../../database/index.js';
import type { EventLog, ParkedEvent } from '../../event-store/index.js';
import type { Jobs, JobWork } from '../../jobs/index.js';
import {
  Doorbell,
  PositionWaiters,
  ProcessorLoop,
  type ProcessorStatus,
  type ServedProjection,
} from '../../processing/index.js';
import { AUDIT, type AuditBuild, AuditBuilds } from './audit-builds.js';
import { AuditProcessor } from './audit-processor.js';
import { AuditReplay } from './audit-replay.js';
import type { AuditThread } from './audit-thread.js';

/** Positions waited for, each a query that reads its own writes. */
const MAX_WAITERS = 10_000;
/** So soon it is seen that another process has replaced the file that serves here; nothing tells. */
const LOOK_MS = 1_000;

/** Where the audit lies, and what it is computed from. */
export interface AuditPlace {
  readonly database: ViewsDatabase;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly thread: AuditThread;
  readonly jobs: Pick<Jobs, 'isRunning'>;
  readonly tell: (message: string) => void;
}

/** The audit while the service runs: the loop that keeps it, at times another file that is built anew. */
export class AuditRun implements ServedProjection {
  readonly name = AUDIT;
  readonly waiters = new PositionWaiters(MAX_WAITERS);
  readonly builds: AuditBuilds;
  private readonly stopping = new AbortController();
  private readonly processor: AuditProcessor;
  private readonly replay: AuditReplay;
  private readonly served = new Doorbell();
  private loop: ProcessorLoop;
  private current: AuditBuild | undefined;
  private looking: NodeJS.Timeout | undefined;
  private dropping: Promise<void> = Promise.resolve();

  constructor(private readonly place: AuditPlace) {
    const { database, log, thread, tell } = place;
    this.builds = new AuditBuilds(database, log, thread, tell);
    this.replay = new AuditReplay(this.builds, thread, log);
    const listener = {
      serves: (build: AuditBuild) => this.serve(build),
      written: (position: Position) => this.waiters.advance(position),
    };
    this.processor = new AuditProcessor(this.builds, thread, listener, this.stopping.signal);
    this.loop = this.newLoop();
    // Queries are not to wait for the next event until there is a file again.
    thread.ended = () => this.loop.reopen();
  }

  /** The file that queries read; undefined while the first one is built. */
  get file(): string | undefined {
    return this.current?.file;
  }

  /** As {@link file}, after so many milliseconds at most. */
  async whenServing(timeoutMs: number): Promise<string | undefined> {
    if (!this.current) await this.served.wait(timeoutMs, this.stopping.signal);
    return this.file;
  }

  /** A query waits for what was appended last. */
  hurry(): void {
    this.processor.hurry();
  }

  start(): void {
    this.giveUpOrphans();
    this.loop.start();
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
    this.dropRetired();
  }

  async stop(): Promise<void> {
    clearInterval(this.looking);
    this.stopping.abort();
    this.waiters.stop();
    await this.loop.stop();
    await this.dropping;
  }

  async status(head: Position | undefined): Promise<readonly ProcessorStatus[]> {
    const status = this.loop.status(head);
    const paused = this.builds.generations.isPaused(AUDIT);
    const state = paused && status.state !== 'stopped' ? 'paused' : status.state;
    return [{ ...status, kind: 'projection', state, paused, parked: 0 }];
  }

  /** Of every process on this folder. */
  async setPaused(paused: boolean): Promise<void> {
    const { database } = this.place;
    database.write(() => this.builds.generations.setPaused(AUDIT, paused));
    this.loop.reopen();
  }

  /** An event that cannot be read has a row that says so: nothing is ever parked. */
  async parked(): Promise<readonly ParkedEvent[]> {
    return [];
  }

  async release(wish: 'retry' | 'discard'): Promise<number> {
    if (wish === 'retry') return 0;
    throw new Refusal('VALIDATION_FAILED', 'The audit parks no events: there is none to discard.', {
      processor: AUDIT,
    });
  }

  async rebuild(work: JobWork, { keepOld }: { readonly keepOld: boolean }): Promise<RebuildReport> {
    if (this.builds.swappedInBy(work.jobId)) {
      const report = await this.replay.verify(work);
      const { kept } = this.builds;
      return { ...report, events: report.rows, ...(keepOld && kept !== undefined && { kept }) };
    }
    const { report, build } = await this.replay.build(work);
    try {
      const old = await this.swapIn(build, keepOld);
      return { ...report, ...(keepOld && old !== undefined && { kept: old }) };
    } catch (error) {
      this.builds.giveUp(build.generation);
      throw error;
    } finally {
      this.dropRetired();
    }
  }

  verify(work: JobWork): Promise<ProjectionReport> {
    return this.replay.verify(work);
  }

  dryRun(
    work: JobWork,
    stretch: { readonly from?: Position; readonly to?: Position },
  ): Promise<DryRunReport> {
    return this.replay.dryRun(work, stretch);
  }

  async dropBuilds(): Promise<readonly number[]> {
    const dropped = this.builds.retireKept();
    this.dropRetired();
    await this.dropping;
    return dropped;
  }

  /** Nothing is written to the old file any more when the new one, which is as far, begins to serve. */
  private async swapIn(build: AuditBuild, keepOld: boolean): Promise<number | undefined> {
    const old = this.builds.serving?.generation;
    await this.loop.stop();
    try {
      await this.replay.catchUp(build);
      this.builds.promote(build, keepOld ? 'kept' : 'retired');
      // Before the old file may be taken away: whoever asks from now on asks the new one.
      this.current = build;
    } finally {
      this.loop = this.newLoop();
      if (!this.stopping.signal.aborted) this.loop.start();
    }
    return old;
  }

  private newLoop(): ProcessorLoop {
    const { log, clock, tell } = this.place;
    return new ProcessorLoop(this.processor, log, clock, {
      reached: () => undefined,
      failed: (error, failures) =>
        tell(
          `Projection ${AUDIT} failed ${failures} time(s) in a row and tries again: ${error.message}`,
        ),
    });
  }

  private serve(build: AuditBuild): void {
    this.current = build;
    if (build.position) this.waiters.advance(build.position);
    this.served.ring();
    this.dropRetired();
  }

  private look(): void {
    try {
      if (this.processor.isOutdated) this.loop.reopen();
      this.builds.closeDropped(this.file);
    } catch {
      // The file of the views cannot be read now: the loop meets the same, and tells.
    }
  }

  private giveUpOrphans(): void {
    try {
      this.builds.giveUpOrphans((jobId) => this.place.jobs.isRunning(jobId));
    } catch (error) {
      // Another process writes for long. Nothing depends on it.
      this.place.tell(
        `Unfinished files of the audit stay until the next start: ${(error as Error).message}`,
      );
    }
  }

  private dropRetired(): void {
    this.dropping = this.dropping.then(async () => {
      try {
        await nextTurn();
        await this.builds.dropRetired();
      } catch (error) {
        this.place.tell(
          `An old file of the audit stays until the next start: ${(error as Error).message}`,
        );
      }
    });
  }
}
