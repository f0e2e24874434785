import { Global, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Settings } from '../config/index.js';
import { ContextModule } from '../context/context.module.js';
import { Clock, Ids } from '../context/index.js';
import { DatabaseModule } from '../database/database.module.js';
import { ViewsDatabase } from '../database/index.js';
import { AbortJobHandler } from './abort-job.handler.js';
import { GetJobHandler } from './get-job.handler.js';
import { Jobs } from './jobs.js';
import { ListJobsHandler } from './list-jobs.handler.js';

/** Long work that admin messages start. */
@Global()
@Module({
  imports: [CqrsModule, ContextModule, DatabaseModule],
  providers: [
    {
      provide: Jobs,
      useFactory: (database: ViewsDatabase, clock: Clock, ids: Ids, settings: Settings) =>
        new Jobs(database, clock, ids, settings.processorLeaseMs),
      inject: [ViewsDatabase, Clock, Ids, Settings],
    },
    GetJobHandler,
    ListJobsHandler,
    AbortJobHandler,
  ],
  exports: [Jobs],
})
export class JobsModule {}
