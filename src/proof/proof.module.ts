import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ContextModule } from '../context/context.module.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { ProjectionsModule } from '../projections/projections.module.js';
import { SealHistoryHandler } from './seal-history.handler.js';
import { VerifyHistoryHandler } from './verify-history.handler.js';
import { VerifyTaskHistoryHandler } from './verify-task-history.handler.js';

/** Whether the history is whole, and how that is shown later. */
@Module({
  imports: [CqrsModule, ContextModule, EventStoreModule, ProjectionsModule],
  providers: [VerifyTaskHistoryHandler, VerifyHistoryHandler, SealHistoryHandler],
})
export class ProofModule {}
