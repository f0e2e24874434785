import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { Settings } from '../config/index.js';
import { ContextModule } from '../context/context.module.js';
import { Clock, Ids } from '../context/index.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { ProcessorStore } from '../event-store/index.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { Ownership, ownershipTimes } from './ownership.js';
import { ProcessorRunner } from './processor-runner.js';
import { SagaCommands } from './sagas/saga-commands.js';
import { SagaFinder } from './sagas/saga-finder.js';
import { Timers } from './timers/timers.js';

/** Runs whatever reads the log in the background. */
@Global()
@Module({
  imports: [
    ContextModule,
    CqrsModule,
    DatabaseModule,
    DiscoveryModule,
    EventStoreModule,
    JobsModule,
  ],
  providers: [
    {
      provide: Ownership,
      useFactory: (store: ProcessorStore, clock: Clock, ids: Ids, settings: Settings) =>
        new Ownership(store, clock, ids, ownershipTimes(settings.processorLeaseMs)),
      inject: [ProcessorStore, Clock, Ids, Settings],
    },
    ProcessorRunner,
    SagaCommands,
    SagaFinder,
    {
      provide: Timers,
      useFactory: (
        ownership: Ownership,
        store: ProcessorStore,
        clock: Clock,
        commands: SagaCommands,
        sagas: SagaFinder,
        settings: Settings,
      ) => new Timers(ownership, store, clock, commands, sagas, settings.leaseGraceMs),
      inject: [Ownership, ProcessorStore, Clock, SagaCommands, SagaFinder, Settings],
    },
  ],
  exports: [Ownership, ProcessorRunner, Timers],
})
export class ProcessingModule {}
