import { setTimeout as sleep } from 'node:timers/promises';
import { offsetOf, type Position, type RebuildReport } from '@taskmanager/protocol';
import { JobInterrupted, type JobWork } from '../../jobs/index.js';
import type { ProcessorLoop } from '../processor-loop.js';
import { ComparedBuild, type Comparison } from './compared-build.js';
import { Pace } from '../../jobs/index.js';
import { ReplayWork } from './replay-work.js';
import type { ProjectionOptions, View } from './view.js';
import { type BuildOrder, GenerationGone, type ViewPlace } from './view-build.js';
import type { Generation } from './view-generations.js';
import type { ViewProcessor } from './view-processor.js';

/** So often it is told how far the build is, milliseconds. */
const TELL_MS = 250;

/** Makes what brings the log to a build; `promoted` is called when it serves. */
export type StartBuild = (
  promoted: () => void,
  failed: (error: Error) => void,
  order: BuildOrder,
) => { readonly processor: ViewProcessor; readonly loop: ProcessorLoop };

/** The new build is not what the log says: it never served, and is taken away. */
export class BuildDiffers extends Error {
  override readonly name = 'BuildDiffers';

  constructor(view: string, { differenceCount, differences }: Comparison) {
    const first = differences
      .slice(0, 3)
      .map(({ taskId, text }) => (taskId ? `Task ${taskId}: ${text}.` : `${text}.`));
    super(
      `The new build of ${view} differs from the log in ${differenceCount} place(s), so the old one goes on serving. ${first.join(' ')}`,
    );
  }
}

/**
 * A job that builds a view anew beside the one that serves: it folds the log from the first event, or from
 * where an earlier life of the job had come to, compares what it has made with the log, and swaps it in.
 */
export class ViewRebuild {
  readonly processor: ViewProcessor;
  readonly loop: ProcessorLoop;
  private readonly begun: Generation;
  private readonly pace = new Pace();
  private readonly caughtUp = new Deferred();
  private readonly promoted = new Deferred();
  private folded: Position | undefined;
  private isProved = false;

  constructor(
    private readonly view: View,
    private readonly options: ProjectionOptions,
    private readonly place: ViewPlace,
    private readonly work: JobWork,
    keepOld: boolean,
    startBuild: StartBuild,
  ) {
    this.begun = this.beginOrGoOn();
    const order: BuildOrder = {
      generation: this.begun.generation,
      pace: this.pace,
      keepOld,
      folded: (position) => (this.folded = position),
      mayServe: () => {
        this.caughtUp.resolve();
        return this.isProved;
      },
    };
    const failed = (error: Error) => {
      if (!(error instanceof GenerationGone)) return;
      this.caughtUp.reject(error);
      this.promoted.reject(error);
    };
    const { processor, loop } = startBuild(() => this.promoted.resolve(), failed, order);
    this.processor = processor;
    this.loop = loop;
  }

  /** Rejects when it did not come to serve: its tables are given up then, unless somebody goes on with it. */
  async run(): Promise<RebuildReport> {
    this.loop.start();
    const over = new AbortController();
    const told = this.tellProgress(over.signal);
    let compared: Comparison | undefined;
    try {
      await this.orEnded(this.caughtUp.promise);
      over.abort();
      compared = await this.prove();
      this.isProved = true;
      this.loop.reopen();
      await this.orEnded(this.promoted.promise);
      return rebuildReport(this.place, this.begun, compared);
    } catch (error) {
      await this.loop.stop();
      // It was told to end when it was done.
      if (compared && this.processor.serves) {
        return rebuildReport(this.place, this.begun, compared);
      }
      this.giveUp();
      throw error;
    } finally {
      over.abort();
      await told;
      await this.loop.stop();
      this.processor.buildEnded();
    }
  }

  private beginOrGoOn(): Generation {
    const { place, options, work } = this;
    const { name, version } = options;
    const { logId } = place.log;
    const { generations } = place;
    return place.database.write(() => {
      const mine = generations.of(name).find(({ job }) => job === work.jobId);
      if (mine?.state === 'building' && mine.version === version && mine.log_id === logId) {
        return mine;
      }
      return generations.begin(name, version, logId, work.jobId);
    });
  }

  private async prove(): Promise<Comparison> {
    const build = new ComparedBuild(this.place.generations, this.begun);
    const work = new ReplayWork(this.work, this.pace);
    const compared = await this.view.compare(build, this.place.log, work);
    if (compared.differenceCount > 0) throw new BuildDiffers(this.options.name, compared);
    return compared;
  }

  private giveUp(): void {
    if (this.work.signal.reason instanceof JobInterrupted) return;
    const { database, generations } = this.place;
    database.write(() => {
      const { view, generation } = this.begun;
      const stored = generations.find(view, generation);
      if (stored?.state === 'building') generations.setState(stored, 'retired');
    });
  }

  private async orEnded(done: Promise<void>): Promise<void> {
    const { signal } = this.work;
    signal.throwIfAborted();
    const ended = new Deferred();
    const end = () => ended.reject(signal.reason as Error);
    signal.addEventListener('abort', end, { once: true });
    try {
      await Promise.race([done, ended.promise]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  /** By positions: how many events lie between two of them only the log could count. Never rejects. */
  private async tellProgress(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const head = await this.place.log.head().catch(() => undefined);
      const done = Number(this.folded ? offsetOf(this.folded) : 0n);
      if (head !== undefined && !signal.aborted) {
        const total = Number(offsetOf(head));
        this.work.report({ step: 'fold', done, total, unit: 'positions' });
        this.pace.leftOver(total - done);
      }
      await sleep(TELL_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** What a rebuild answers, once its build serves. */
export function rebuildReport(
  { generations }: ViewPlace,
  { view, generation }: Generation,
  { events, rows, differences, differenceCount }: Comparison,
): RebuildReport {
  const stored = generations.of(view);
  const position = stored.find((one) => one.generation === generation)?.position;
  const older = stored.filter((one) => one.state === 'kept' && one.generation < generation);
  const kept = older.at(-1)?.generation;
  return {
    projection: view,
    generation,
    ok: differenceCount === 0,
    rows,
    events,
    differences,
    differenceCount,
    ...(position && { position }),
    ...(kept !== undefined && { kept }),
  };
}

/** Node 20 has no `Promise.withResolvers` yet. */
class Deferred {
  resolve: () => void = () => undefined;
  reject: (error: Error) => void = () => undefined;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    // Whoever waits hears of it; nobody may wait any more.
    this.promise.catch(() => undefined);
  }
}
