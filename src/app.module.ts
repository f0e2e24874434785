import { type DynamicModule, Module } from '@nestjs/common';
import { BackupModule } from './backup/backup.module.js';
import { AdminJournalModule } from './commands/admin-journal.module.js';
import { CommandsModule } from './commands/commands.module.js';
import { ConfigModule, type Settings } from './config/index.js';
import { ContextModule } from './context/context.module.js';
import { EventStoreModule } from './event-store/event-store.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { MESSAGES } from './messages.js';
import { PolicyModule } from './policy/policy.module.js';
import { ProcessorAdminModule } from './processing/admin/processor-admin.module.js';
import { ProcessingModule } from './processing/processing.module.js';
import { ProjectionsModule } from './projections/projections.module.js';
import { ProofModule } from './proof/proof.module.js';
import { PublishersModule } from './publishers/publishers.module.js';
import { RetentionModule } from './retention/retention.module.js';
import { SagasModule } from './sagas/sagas.module.js';
import { SearchModule } from './search/search.module.js';
import { TransportModule } from './transport/index.js';
import { WorkerProcess } from './workers/worker-process.js';

/** What the service is made of. */
@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      // Here, for Nest stops the application's own providers first.
      providers: [WorkerProcess],
      imports: [
        ConfigModule.with(settings),
        ContextModule,
        EventStoreModule,
        JobsModule,
        BackupModule,
        AdminJournalModule,
        CommandsModule,
        ProjectionsModule,
        ProcessingModule,
        SagasModule,
        PublishersModule,
        ProcessorAdminModule,
        PolicyModule,
        RetentionModule,
        SearchModule,
        ProofModule,
        TransportModule.serving(MESSAGES),
      ],
    };
  }
}
