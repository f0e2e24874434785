import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '@taskmanager/protocol';
import { type Clock, Refusal } from '../../context/index.js';
import { isCorruption } from '../../database/index.js';
import type { EventLog, ParkedEvent, ParkedWish } from '../../event-store/index.js';
import { PositionWaiters } from './position-waiters.js';
import { eventOf, type ParkedTask } from './parked-tasks.js';
import type { ProcessorStatus } from '../processor.js';
import { type LoopListener, ProcessorLoop } from '../processor-loop.js';
import type { ProcessorRun } from '../processor-run.js';
import type { ProjectionOptions, View } from './view.js';
import { GenerationGone, type ViewPlace } from './view-build.js';
import { ViewProcessor } from './view-processor.js';

/** Positions waited for, each a query that reads its own writes. */
const MAX_WAITERS = 10_000;

/** So soon it is seen that another process has replaced the build that serves here; nothing tells. */
const LOOK_MS = 1_000;

/** One build of the view and the loop that brings it the log. */
interface Build {
  readonly processor: ViewProcessor;
  readonly loop: ProcessorLoop;
}

interface Rebuild extends Build {
  readonly done: Promise<void>;
  readonly giveUp: (error: Error) => void;
}

type Tell = (message: string) => void;

/** One view while the service runs: the loop that keeps it, at times a second one that builds anew. */
export class ProjectionRun implements ProcessorRun {
  readonly name: string;
  readonly waiters = new PositionWaiters(MAX_WAITERS);
  private readonly main: Build;
  private rebuilding: Rebuild | undefined;
  private dropping: Promise<void> = Promise.resolve();
  private stopped = false;
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly view: View,
    private readonly options: ProjectionOptions,
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly place: ViewPlace,
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
    this.giveUpInterruptedRebuilds();
    this.main.loop.start();
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
    this.dropRetired();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.looking);
    this.waiters.stop();
    this.rebuilding?.giveUp(new Error('The service stops.'));
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

  /**
   * Builds the view again from the first event beside the one that serves, and swaps it in once it has
   * caught up. Asked for again meanwhile, it answers the same. A build that a stop interrupts is not
   * gone on with: the next rebuild starts over, and the half-built tables are taken away at the start.
   */
  rebuild(): Promise<void> {
    this.rebuilding ??= this.beginRebuild();
    return this.rebuilding.done;
  }

  /** Without it a process would go on with tables that are taken away until the next event comes. */
  private look(): void {
    try {
      if (this.main.processor.isOutdated) this.main.loop.reopen();
    } catch {
      // The file cannot be read now: the loop meets the same at the next event, and tells.
    }
  }

  private beginRebuild(): Rebuild {
    const { place, options, log } = this;
    const { name, version } = options;
    const begun = place.database.write(() => place.generations.begin(name, version, log.logId));
    const { promise: promoted, resolve: finish, reject: giveUp } = promiseWithResolvers();
    const { processor, loop } = this.build(
      finish,
      {
        reached: () => undefined,
        failed: (error, failures) => {
          this.tellFailure(`${name} (rebuild)`, error, failures);
          if (error instanceof GenerationGone) giveUp(error);
        },
      },
      begun.generation,
    );
    loop.start();
    const done = promoted.finally(() => this.finishRebuild(loop));
    done.catch(() => undefined);
    return { processor, loop, done, giveUp };
  }

  private build(
    promoted: (position: Position | undefined) => void,
    listener: LoopListener,
    generation?: number,
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
      generation,
    );
    const loop = new ProcessorLoop(processor, log, clock, listener);
    return { processor, loop };
  }

  private async finishRebuild(loop: ProcessorLoop): Promise<void> {
    await loop.stop();
    this.rebuilding = undefined;
    this.main.loop.reopen();
    this.dropRetired();
  }

  /** Only while nothing serves is a build that was begun before gone on with. */
  private giveUpInterruptedRebuilds(): void {
    const { database, generations, log } = this.place;
    const { name, version } = this.options;
    database.write(() => {
      const stored = generations.of(name);
      const served = stored.some(
        (one) => one.state === 'serving' && one.version === version && one.log_id === log.logId,
      );
      for (const one of stored) {
        if (served && one.state === 'building') generations.setState(one, 'retired');
      }
    });
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

  /** Takes away what no longer serves, a little at a time. */
  private dropRetired(): void {
    this.dropping = this.dropping.then(async () => {
      try {
        const { database, generations } = this.place;
        for (const old of generations.of(this.options.name)) {
          if (old.state !== 'retired') continue;
          while (!this.stopped && !this.view.dropStep(old.generation)) await nextTurn();
          if (!this.stopped) database.write(() => generations.forget(old));
        }
      } catch (error) {
        this.tell(
          `An old build of ${this.options.name} stays until the next start: ${(error as Error).message}`,
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

/** Node 20 has no `Promise.withResolvers` yet. */
function promiseWithResolvers(): {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
} {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
