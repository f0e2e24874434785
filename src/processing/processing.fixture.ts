import { Global, type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { Settings } from '../config/index.js';
import { ContextModule } from '../context/context.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ViewsDatabase } from '../database/index.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { EventLog, ProcessorStore } from '../event-store/index.js';
import { ProcessingModule } from './processing.module.js';

/** For tests: the processing of the service with these providers, and no views, over any log and store. */
export async function processing(
  log: EventLog,
  store: ProcessorStore,
  providers: readonly Type[],
): Promise<INestApplicationContext> {
  const database = await ViewsDatabase.open(':memory:', () => undefined);

  @Global()
  @Module({
    providers: [
      { provide: EventLog, useValue: log },
      { provide: ProcessorStore, useValue: store },
      { provide: ViewsDatabase, useValue: database },
      { provide: Settings, useValue: new Settings({}) },
    ],
    exports: [EventLog, ProcessorStore, ViewsDatabase, Settings],
  })
  class Given {}

  @Module({ imports: [CqrsModule], providers: [...providers] })
  class Sagas {}

  @Module({})
  class Empty {}

  const built = await Test.createTestingModule({
    imports: [Given, ContextModule, ProcessingModule, Sagas],
  })
    .overrideModule(EventStoreModule)
    .useModule(Empty)
    .overrideModule(DatabaseModule)
    .useModule(Empty)
    .compile();
  built.useLogger(false);
  return built;
}
