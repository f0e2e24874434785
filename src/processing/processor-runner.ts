import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { logIdOf, type Position } from '@taskmanager/protocol';
import { Clock } from '../context/index.js';
import { ViewsDatabase } from '../database/index.js';
import { EventLog, ProcessorStore } from '../event-store/index.js';
import { Jobs } from '../jobs/index.js';
import { HandlerRun } from './handlers/handler-run.js';
import { Ownership } from './ownership.js';
import type { WaitOutcome } from './views/position-waiters.js';
import {
  type ProcessorHandler,
  Publishers,
  type PublisherSource,
} from './handlers/processor-handler.js';
import type { ProcessorRun } from './processor-run.js';
import type { ProcessorStatus } from './processor.js';
import { ProjectionRun } from './views/projection-run.js';
import { SagaFinder } from './sagas/saga-finder.js';
import { Timers } from './timers/timers.js';
import { ProjectionSources, type ProjectionSource } from './views/projection-source.js';
import type { ServedProjection } from './views/served-projection.js';
import { Projection, type View } from './views/view.js';
import { ViewGenerations } from './views/view-generations.js';

/**
 * Finds every projection, saga and publisher, by their decorators, and runs them and the timers from
 * bootstrap to shutdown: projections in each process, the others where this process is the owner.
 */
@Injectable()
export class ProcessorRunner
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown
{
  private readonly logger = new Logger('Processors');
  private readonly projections = new Map<string, ServedProjection>();
  /** Sagas, publishers, timers: what one process at a time runs. */
  private readonly owned = new Map<string, ProcessorRun>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly log: EventLog,
    private readonly database: ViewsDatabase,
    private readonly store: ProcessorStore,
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly ownership: Ownership,
    private readonly sagas: SagaFinder,
    private readonly timers: Timers,
  ) {}

  /** Before the bootstrap, which may begin with a job that goes on with a rebuild. */
  onModuleInit(): void {
    for (const run of [...this.findProjections(), ...this.findSources()])
      this.add(this.projections, run);
  }

  onApplicationBootstrap(): void {
    for (const handler of [...this.sagas.handlers(), ...this.findPublishers()]) {
      const { log, store, clock, logger } = this;
      const place = { handler, log, store, clock, logger };
      this.add(this.owned, new HandlerRun(place, this.ownership));
    }
    if (this.sagas.dueMethods().size > 0) this.add(this.owned, this.timers);
    for (const run of this.runs()) run.start();
    if (this.owned.size > 0) this.ownership.start();
  }

  /**
   * What is in flight was answered before, in the same hook of the transports: Nest calls it for global
   * modules, as this one's, last. The lease goes to the next owner when nothing is done under it any more;
   * projections stop after those who wait for them, and the files close in a later hook.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.owned.values()].map((run) => run.stop()));
    await this.ownership.stop();
    await Promise.all([...this.projections.values()].map((run) => run.stop()));
  }

  /** Empty before the bootstrap. */
  runs(): readonly ProcessorRun[] {
    return [...this.projections.values(), ...this.owned.values()];
  }

  async status(): Promise<ProcessorStatus[]> {
    const head = await this.log.head();
    return (await Promise.all(this.runs().map((run) => run.status(head)))).flat();
  }

  /**
   * Waits until queries on this view see everything up to `position`. A position of another log is
   * never reached: `late` at once.
   */
  whenProcessed(
    name: string,
    position: Position,
    timeoutMs: number,
  ): WaitOutcome | Promise<WaitOutcome> {
    const run = this.projection(name);
    if (logIdOf(position) !== this.log.logId) return 'late';
    return run.waiters.wait(position, timeoutMs);
  }

  /** Known from the modules' initialization on: what can be replayed. */
  served(): readonly ServedProjection[] {
    return [...this.projections.values()];
  }

  private projection(name: string): ServedProjection {
    const run = this.projections.get(name);
    if (!run) throw new Error(`There is no projection ${name}.`);
    return run;
  }

  private add<Run extends ProcessorRun>(runs: Map<string, Run>, run: Run): void {
    const { name } = run;
    if (this.projections.has(name) || this.owned.has(name)) {
      throw new Error(`Two processors claim the name ${name}.`);
    }
    runs.set(name, run);
  }

  private findProjections(): ServedProjection[] {
    const { database, log, clock, jobs } = this;
    const place = { database, generations: new ViewGenerations(database), log };
    const tell = (message: string) => this.logger.warn(message);
    return this.discovery.getProviders({ metadataKey: Projection.KEY }).flatMap((wrapper) => {
      const options = this.discovery.getMetadataByDecorator(Projection, wrapper);
      if (!options) return [];
      return [new ProjectionRun(wrapper.instance as View, options, log, clock, place, jobs, tell)];
    });
  }

  private findSources(): ServedProjection[] {
    const wrappers = this.discovery.getProviders({ metadataKey: ProjectionSources.KEY });
    return wrappers.map(({ instance }) => (instance as ProjectionSource).projection());
  }

  private findPublishers(): ProcessorHandler[] {
    const wrappers = this.discovery.getProviders({ metadataKey: Publishers.KEY });
    return wrappers.flatMap(({ instance }) => (instance as PublisherSource).publishers());
  }
}
