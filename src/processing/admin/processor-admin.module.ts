import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { DiscardParkedEventsHandler } from './discard-parked-events.handler.js';
import { ListParkedEventsHandler } from './list-parked-events.handler.js';
import { ListProcessorsHandler } from './list-processors.handler.js';
import { PauseProcessorHandler } from './pause-processor.handler.js';
import { ResumeProcessorHandler } from './resume-processor.handler.js';
import { RetryParkedEventsHandler } from './retry-parked-events.handler.js';

/** What operators ask of the processors, and tell them. */
@Module({
  imports: [CqrsModule],
  providers: [
    ListProcessorsHandler,
    PauseProcessorHandler,
    ResumeProcessorHandler,
    ListParkedEventsHandler,
    RetryParkedEventsHandler,
    DiscardParkedEventsHandler,
  ],
})
export class ProcessorAdminModule {}
