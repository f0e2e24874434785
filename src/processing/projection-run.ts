import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../context/index.js';
import { isCorruption } from '../database/index.js';
import type { EventLog } from '../event-store/index.js';
import { PositionWaiters } from './position-waiters.js';
import type { ProcessorStatus } from './processor.js';
import { ProcessorLoop } from './processor-loop.js';
import type { ProjectionOptions, View } from './view.js';
import { GenerationGone, type ViewPlace, ViewProcessor } from './view-processor.js';

/** Positions waited for, each a query that reads its own writes. */
const MAX_WAITERS = 10_000;

interface Rebuild {
  readonly loop: ProcessorLoop;
  readonly done: Promise<void>;
  readonly giveUp: (error: Error) => void;
}

type Tell = (message: string) => void;

/** One view while the service runs: the loop that keeps it, at times a second one that builds anew. */
export class ProjectionRun {
  readonly waiters = new PositionWaiters(MAX_WAITERS);
  private readonly main: ProcessorLoop;
  private rebuilding: Rebuild | undefined;
  private dropping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly view: View,
    private readonly options: ProjectionOptions,
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly place: ViewPlace,
    private readonly tell: Tell,
  ) {
    const processor = new ViewProcessor(view, options, place, (position) => {
      if (position) this.waiters.advance(position);
      this.dropRetired();
    });
    this.main = new ProcessorLoop(processor, log, clock, {
      reached: (position) => {
        if (processor.serves) this.waiters.advance(position);
      },
      failed: (error, failures) => this.tellFailure(options.name, error, failures),
    });
  }

  start(): void {
    this.giveUpInterruptedRebuilds();
    this.main.start();
    this.dropRetired();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.waiters.stop();
    this.rebuilding?.giveUp(new Error('The service stops.'));
    await Promise.all([this.main.stop(), this.rebuilding?.loop.stop()]);
    await this.dropping;
  }

  status(head: Parameters<ProcessorLoop['status']>[0]): ProcessorStatus[] {
    const loops = [this.main, ...(this.rebuilding ? [this.rebuilding.loop] : [])];
    return loops.map((loop) => loop.status(head));
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

  private beginRebuild(): Rebuild {
    const { place, options, log, clock } = this;
    const { name, version } = options;
    const begun = place.database.write(() => place.generations.begin(name, version, log.logId));
    const { promise: promoted, resolve: finish, reject: giveUp } = promiseWithResolvers();
    const processor = new ViewProcessor(this.view, options, place, finish, begun.generation);
    const loop = new ProcessorLoop(processor, log, clock, {
      reached: () => undefined,
      failed: (error, failures) => {
        this.tellFailure(`${name} (rebuild)`, error, failures);
        if (error instanceof GenerationGone) giveUp(error);
      },
    });
    loop.start();
    const done = promoted.finally(() => this.finishRebuild(loop));
    done.catch(() => undefined);
    return { loop, done, giveUp };
  }

  private async finishRebuild(loop: ProcessorLoop): Promise<void> {
    await loop.stop();
    this.rebuilding = undefined;
    this.main.reopen();
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

  /** Takes away what no longer serves, a little at a time. */
  private dropRetired(): void {
    this.dropping = this.dropping.then(async () => {
      try {
        const { generations } = this.place;
        for (const old of generations.of(this.options.name)) {
          if (old.state !== 'retired') continue;
          while (!this.stopped && !this.view.dropStep(old.generation)) await nextTurn();
          if (!this.stopped) generations.forget(old);
        }
      } catch (error) {
        this.tell(
          `An old build of ${this.options.name} stays until the next start: ${(error as Error).message}`,
        );
      }
    });
  }
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
