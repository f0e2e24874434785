import { Global, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ContextModule } from '../context/context.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { AbortJobHandler } from './abort-job.handler.js';
import { GetJobHandler } from './get-job.handler.js';
import { Jobs } from './jobs.js';
import { ListJobsHandler } from './list-jobs.handler.js';

/** Long work that admin messages start. */
@Global()
@Module({
  imports: [CqrsModule, ContextModule, DatabaseModule],
  providers: [Jobs, GetJobHandler, ListJobsHandler, AbortJobHandler],
  exports: [Jobs],
})
export class JobsModule {}
