import { type DynamicModule, Module } from '@nestjs/common';
import { COMMAND_MESSAGES, TASK_COMMAND_MESSAGES } from './commands/command-messages.js';
import { CommandsModule } from './commands/commands.module.js';
import { TASK_TYPE_COMMAND_MESSAGES } from './commands/task-types/task-type-messages.js';
import { ConfigModule, type Settings } from './config/index.js';
import { ContextModule } from './context/context.module.js';
import { EventStoreModule } from './event-store/event-store.module.js';
import {
  PROCESSOR_COMMAND_MESSAGES,
  PROCESSOR_QUERY_MESSAGES,
} from './processing/admin/admin-messages.js';
import { ProcessorAdminModule } from './processing/admin/processor-admin.module.js';
import { ProcessingModule } from './processing/processing.module.js';
import { ProjectionsModule } from './projections/projections.module.js';
import { ADMIN_QUERY_MESSAGES, QUERY_MESSAGES } from './projections/query-messages.js';
import { ListEndpoints } from './publishers/list-endpoints.query.js';
import { PublishersModule } from './publishers/publishers.module.js';
import { RetentionModule } from './retention/retention.module.js';
import { SagasModule } from './sagas/sagas.module.js';
import { SearchModule } from './search/search.module.js';
import { SearchRepository } from './search/search-repository.query.js';
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
        CommandsModule,
        ProjectionsModule,
        ProcessingModule,
        SagasModule,
        PublishersModule,
        ProcessorAdminModule,
        RetentionModule,
        SearchModule,
        TransportModule.serving({
          commands: COMMAND_MESSAGES,
          batched: TASK_COMMAND_MESSAGES,
          queries: [...QUERY_MESSAGES, SearchRepository],
          admin: {
            commands: [...PROCESSOR_COMMAND_MESSAGES, ...TASK_TYPE_COMMAND_MESSAGES],
            queries: [...PROCESSOR_QUERY_MESSAGES, ...ADMIN_QUERY_MESSAGES, ListEndpoints],
          },
        }),
      ],
    };
  }
}
