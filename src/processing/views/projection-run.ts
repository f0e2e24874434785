import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type {
  DryRunReport,
  Position,
  ProjectionReport,
  RebuildReport,
} from '@taskmanager/protocol';
import { type Clock, Refusal } from '../../context/index.js';
import { isCorruption } from '../../database/index.js';
import type { EventLog, ParkedEvent, ParkedWish } from '../../event-store/index.js';
import type { Jobs, JobWork } from '../../jobs/index.js';
import { PositionWaiters } from './position-waiters.js';
import { eventOf, type ParkedTask } from './parked-tasks.js';
import type { ProcessorStatus } from '../processor.js';
import { type LoopListener, ProcessorLoop } from '../processor-loop.js';
import { ComparedBuild, type Comparison, type Stretch } from './compared-build.js';
import { ReplayWork } from './replay-work.js';
import type { ServedProjection } from './served-projection.js';
import type { ProjectionOptions, View } from './view.js';
import type { BuildOrder, ViewPlace } from './view-build.js';
import type { Generation } from './view-generations.js';
import { rebuildReport, ViewRebuild } from './view-rebuild.js';
import { ViewProcessor } from './view-processor.js';

/** Positions waited for, each a query that reads its own writes. */
const MAX_WAITERS = 10_000;

/** So soon it is seen that another process has replaced the build that serves here; nothing tells. */
const LOOK_MS = 1_000;
/** What no longer serves goes so long after: until they have looked, other processes answer from it. */
const STILL_READ_MS = 2 * LOOK_MS;

/** One build of the view and the loop that brings it the log. */
interface Build {
  readonly processor: ViewProcessor;
  readonly loop: ProcessorLoop;
}

type Tell = (message: string) => void;

/** One view while the service runs: the loop that keeps it, at times a second one that builds anew. */
export class ProjectionRun implements ServedProjection {
  readonly name: string;
  readonly waiters = new PositionWaiters(MAX_WAITERS);
  private readonly main: Build;
  private rebuilding: ViewRebuild | undefined;
  private dropping: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly view: View,
    private readonly options: ProjectionOptions,
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly place: ViewPlace,
    private readonly jobs: Pick<Jobs, 'isRunning'>,
    private readonly tell: Tell,
  ) {
    this.name = options.name;
    this.main = this.build(
      (position) => {
        if (position) this.waiters.advance(position);
        this.dropRetired();
      },
      {
        reached: (position) => {
          if (this.main.processor.serves) this.waiters.advance(position);
        },
        failed: (error, failures) => this.tellFailure(options.name, error, failures),
      },
    );
  }

  start(): void {
    this.giveUpOrphans();
    this.main.loop.start();
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
    this.dropRetired('all');
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.looking);
    this.waiters.stop();
    await Promise.all([this.main.loop.stop(), this.rebuilding?.loop.stop()]);
    await this.dropping;
  }

  async status(head: Position | undefined): Promise<readonly ProcessorStatus[]> {
    const builds = [this.main, ...(this.rebuilding ? [this.rebuilding] : [])];
    return builds.map(({ loop, processor }) => {
      const status = loop.status(head);
      const { paused, parked } = processor.summary();
      const state = paused && status.state !== 'stopped' ? 'paused' : status.state;
      return { ...status, kind: 'projection', state, paused, parked };
    });
  }

  /** Of every process on this file, and of a rebuild too. */
  async setPaused(paused: boolean): Promise<void> {
    const { database, generations } = this.place;
    database.write(() => generations.setPaused(this.name, paused));
    this.main.loop.reopen();
    this.rebuilding?.loop.reopen();
  }

  async parked(): Promise<readonly ParkedEvent[]> {
    const { generation } = this.main.processor;
    return generation ? this.place.generations.parked.of(generation).map(toParkedEvent) : [];
  }

  /** Rejects `discard` with a Refusal. A paused view does it once it goes on. */
  async release(wish: ParkedWish, taskId?: string): Promise<number> {
    if (wish === 'discard') throw cannotDiscard(this.name);
    const { database, generations } = this.place;
    const { generation } = this.main.processor;
    if (!generation) return 0;
    const tasks = database.write(() => generations.parked.wantRetry(generation, taskId));
    if (tasks > 0) this.main.loop.reopen();
    return tasks;
  }

  async rebuild(work: JobWork, { keepOld }: { readonly keepOld: boolean }): Promise<RebuildReport> {
    const swapped = this.swappedInBy(work.jobId);
    if (swapped) return rebuildReport(this.place, swapped, await this.compare(swapped, work));
    if (this.rebuilding) throw new Error(`${this.name} is being rebuilt by another job.`);
    const { view, options, place } = this;
    const rebuild = new ViewRebuild(view, options, place, work, keepOld, (...parts) =>
      this.orderedBuild(...parts),
    );
    this.rebuilding = rebuild;
    try {
      return await rebuild.run();
    } finally {
      this.rebuilding = undefined;
      this.main.loop.reopen();
      this.dropRetired();
    }
  }

  async verify(work: JobWork): Promise<ProjectionReport> {
    const serving = this.serving();
    const { rows, differences, differenceCount } = await this.compare(serving, work);
    const { generation } = serving;
    const position = this.place.generations.find(this.name, generation)?.position;
    return {
      projection: this.name,
      generation,
      ok: differenceCount === 0,
      rows,
      ...(position && { position }),
      differences,
      differenceCount,
    };
  }

  async dryRun(work: JobWork, stretch: Stretch): Promise<DryRunReport> {
    const { view, name, place, log } = this;
    const serving = place.generations.of(name).findLast(({ state }) => state === 'serving');
    const build = serving && new ComparedBuild(place.generations, serving);
    const trial = await view.tryOut(stretch, build, log, new ReplayWork(work));
    return {
      projection: name,
      ok: trial.failureCount === 0 && trial.differenceCount === 0,
      ...trial,
    };
  }

  async dropBuilds(): Promise<readonly number[]> {
    const { database, generations } = this.place;
    const dropped = database.write(() => generations.retireKept(this.name));
    this.dropRetired();
    return dropped;
  }

  private compare(build: Generation, work: JobWork): Promise<Comparison> {
    const { view, place, log } = this;
    return view.compare(new ComparedBuild(place.generations, build), log, new ReplayWork(work));
  }

  private serving(): Generation {
    const found = this.place.generations.of(this.name).findLast(({ state }) => state === 'serving');
    if (found) return found;
    throw new Error(`No build of ${this.name} serves yet: ask again when it is built.`);
  }

  /** The job's process died right after the swap. */
  private swappedInBy(jobId: string): Generation | undefined {
    const stored = this.place.generations.of(this.name);
    return stored.find(({ job, state }) => job === jobId && state === 'serving');
  }

  /** Without it a process would go on with tables that are taken away until the next event comes. */
  private look(): void {
    try {
      if (this.main.processor.isOutdated) this.main.loop.reopen();
    } catch {
      // The file cannot be read now: the loop meets the same at the next event, and tells.
    }
  }

  private orderedBuild(
    promoted: () => void,
    failed: (error: Error) => void,
    order: BuildOrder,
  ): Build {
    const listener: LoopListener = {
      reached: () => undefined,
      failed: (error, failures) => {
        this.tellFailure(`${this.name} (rebuild)`, error, failures);
        failed(error);
      },
    };
    return this.build(promoted, listener, order);
  }

  private build(
    promoted: (position: Position | undefined) => void,
    listener: LoopListener,
    order?: BuildOrder,
  ): Build {
    const { view, options, place, clock, log } = this;
    const processor = new ViewProcessor(
      view,
      options,
      place,
      clock,
      {
        promoted,
        parked: (task) => this.tellParked(task),
        reopen: () => loop.reopen(),
      },
      order,
    );
    const loop = new ProcessorLoop(processor, log, clock, listener);
    return { processor, loop };
  }

  /** Builds of jobs that ended without a word; and, while something serves, of nobody. */
  private giveUpOrphans(): void {
    const { database, generations, log } = this.place;
    const { name, version } = this.options;
    const giveUp = () => {
      const stored = generations.of(name);
      const served = stored.some(
        (one) => one.state === 'serving' && one.version === version && one.log_id === log.logId,
      );
      for (const one of stored) {
        const wanted = one.job === null ? !served : this.jobs.isRunning(one.job);
        if (one.state === 'building' && !wanted) generations.setState(one, 'retired');
      }
    };
    try {
      database.write(giveUp);
    } catch (error) {
      // Another process writes for long. Nothing depends on it.
      this.tell(
        `Unfinished builds of ${name} stay until the next start: ${(error as Error).message}`,
      );
    }
  }

  private tellFailure(what: string, error: Error, failures: number): void {
    const advice = isCorruption(error)
      ? ` The file is broken: stop the service, delete ${this.place.database.file} with its -wal and -shm, and start again; it is rebuilt from the event log.`
      : '';
    this.tell(
      `Projection ${what} failed ${failures} time(s) in a row and tries again: ${error.message}${advice}`,
    );
  }

  private tellParked({
    view,
    task_id,
    type,
    revision,
    position,
    error,
    attempts,
  }: ParkedTask): void {
    this.tell(
      `Projection ${view} has parked task ${task_id} at ${type} (revision ${revision}, position ${position}) after ${attempts} attempt(s): ${error} ` +
        'The view shows the task as it was before; other tasks go on. Once the cause is gone, send tasks.admin.retry_parked_events.',
    );
  }

  /**
   * True when it is gone. Another process takes it away as well, and its number may have been given to a
   * new build since.
   */
  private dropPart(generation: number): boolean {
    const { database, generations } = this.place;
    return database.write(() => {
      const stored = generations.find(this.name, generation);
      if (stored?.state !== 'retired') return true;
      if (!this.view.dropStep(generation)) return false;
      generations.forget(stored);
      return true;
    });
  }

  /**
   * Takes away what no longer serves, a little at a time. That of another release only when it was left from
   * before the start: it may run beside this one, and answers from it until it has built its own anew.
   */
  private dropRetired(versions: 'all' | 'own' = 'own'): void {
    const { signal } = this.stopping;
    const { name, version } = this.options;
    this.dropping = this.dropping.then(async () => {
      try {
        const retired = this.place.generations
          .of(name)
          .filter(
            (one) => one.state === 'retired' && (versions === 'all' || one.version === version),
          );
        if (retired.length === 0) return;
        await sleep(STILL_READ_MS, undefined, { signal, ref: false }).catch(() => undefined);
        for (const { generation } of retired) {
          while (!signal.aborted && !this.dropPart(generation)) await nextTurn();
        }
      } catch (error) {
        this.tell(
          `An old build of ${name} stays until the next start: ${(error as Error).message}`,
        );
      }
    });
  }
}

function toParkedEvent(task: ParkedTask): ParkedEvent {
  const { view, position, error, attempts, wanted } = task;
  const { id, stream, revision, type } = eventOf(task);
  return {
    processor: view,
    stream,
    position,
    eventId: id,
    revision,
    type,
    error,
    attempts,
    parkedAt: task.parked_at,
    ...(wanted && { wanted }),
  };
}

function cannotDiscard(name: string): Refusal {
  return new Refusal(
    'VALIDATION_FAILED',
    `Parked events of ${name} cannot be discarded: it is a projection, and a task folded without one of its events would show what never was. Take the cause away and send tasks.admin.retry_parked_events, or rebuild the view.`,
    { processor: name },
  );
}
