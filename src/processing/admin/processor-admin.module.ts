import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { EventStoreModule } from '../../event-store/event-store.module.js';
import { DiscardParkedEventsHandler } from './discard-parked-events.handler.js';
import { DropProjectionBuildsHandler } from './drop-projection-builds.handler.js';
import { DryRunProjectionHandler } from './dry-run-projection.handler.js';
import { ListParkedEventsHandler } from './list-parked-events.handler.js';
import { ListProcessorsHandler } from './list-processors.handler.js';
import { PauseProcessorHandler } from './pause-processor.handler.js';
import { RebuildProjectionHandler } from './rebuild-projection.handler.js';
import { ResumeProcessorHandler } from './resume-processor.handler.js';
import { RetryParkedEventsHandler } from './retry-parked-events.handler.js';
import { VerifyProjectionHandler } from './verify-projection.handler.js';

/** What operators ask of the processors, and tell them. */
@Module({
  imports: [CqrsModule, EventStoreModule],
  providers: [
    ListProcessorsHandler,
    PauseProcessorHandler,
    ResumeProcessorHandler,
    ListParkedEventsHandler,
    RetryParkedEventsHandler,
    RebuildProjectionHandler,
    VerifyProjectionHandler,
    DropProjectionBuildsHandler,
    DryRunProjectionHandler,
    DiscardParkedEventsHandler,
  ],
})
export class ProcessorAdminModule {}
