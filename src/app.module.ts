import { type DynamicModule, Module } from '@nestjs/common';
import { COMMAND_MESSAGES, TASK_COMMAND_MESSAGES } from './commands/command-messages.js';
import { CommandsModule } from './commands/commands.module.js';
import { ConfigModule, type Settings } from './config/index.js';
import { ContextModule } from './context/context.module.js';
import { EventStoreModule } from './event-store/event-store.module.js';
import { ProcessingModule } from './processing/processing.module.js';
import { ProjectionsModule } from './projections/projections.module.js';
import { QUERY_MESSAGES } from './projections/query-messages.js';
import { TransportModule } from './transport/index.js';

/** What the service is made of. */
@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(settings),
        ContextModule,
        EventStoreModule,
        CommandsModule,
        ProjectionsModule,
        ProcessingModule,
        TransportModule.serving({
          commands: COMMAND_MESSAGES,
          batched: TASK_COMMAND_MESSAGES,
          queries: QUERY_MESSAGES,
        }),
      ],
    };
  }
}
