import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { logIdOf, type Position } from '@taskmanager/protocol';
import { Clock } from '../context/index.js';
import { ViewsDatabase } from '../database/index.js';
import { EventLog } from '../event-store/index.js';
import type { WaitOutcome } from './position-waiters.js';
import type { ProcessorStatus } from './processor.js';
import { ProjectionRun } from './projection-run.js';
import { Projection, type View } from './view.js';
import { ViewGenerations } from './view-generations.js';

/**
 * Finds every provider marked with {@link Projection} and runs it from bootstrap to shutdown. Sagas and
 * publishers will be found and run beside them.
 */
@Injectable()
export class ProcessorRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Processors');
  private readonly projections = new Map<string, ProjectionRun>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly log: EventLog,
    private readonly database: ViewsDatabase,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const { database, log, clock } = this;
    const place = { database, generations: new ViewGenerations(database), log };
    const tell = (message: string) => this.logger.warn(message);
    for (const wrapper of this.discovery.getProviders({ metadataKey: Projection.KEY })) {
      const options = this.discovery.getMetadataByDecorator(Projection, wrapper);
      if (!options) continue;
      if (this.projections.has(options.name)) {
        throw new Error(`Two projections claim the name ${options.name}.`);
      }
      const view = wrapper.instance as View;
      this.projections.set(options.name, new ProjectionRun(view, options, log, clock, place, tell));
    }
    for (const run of this.projections.values()) run.start();
  }

  /**
   * What is in flight was answered before, in the same hook of the transports: Nest calls it for global
   * modules, as this one's, last.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.projections.values()].map((run) => run.stop()));
  }

  async status(): Promise<ProcessorStatus[]> {
    const head = await this.log.head();
    return [...this.projections.values()].flatMap((run) => run.status(head));
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
    const run = this.run(name);
    if (logIdOf(position) !== this.log.logId) return 'late';
    return run.waiters.wait(position, timeoutMs);
  }

  /** Builds a view anew beside the serving one; resolves when it has been swapped in. */
  rebuild(name: string): Promise<void> {
    return this.run(name).rebuild();
  }

  private run(name: string): ProjectionRun {
    const run = this.projections.get(name);
    if (!run) throw new Error(`There is no projection ${name}.`);
    return run;
  }
}
