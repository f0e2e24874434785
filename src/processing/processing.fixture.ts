import {
  type DynamicModule,
  Global,
  type INestApplicationContext,
  Module,
  type Provider,
  type Type,
} from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { Settings } from '../config/index.js';
import { ContextModule } from '../context/context.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ViewsDatabase } from '../database/index.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { EventLog, ProcessorStore } from '../event-store/index.js';
import { ProcessingModule } from './processing.module.js';

/** What a part of the service stands on in a test. */
export interface Ground {
  readonly log: EventLog;
  readonly store: ProcessorStore;
  readonly database: ViewsDatabase;
}

/** For tests: these modules and providers of the service over any log, store and views; not started. */
export async function partOfService(
  { log, store, database }: Ground,
  imports: readonly (Type | DynamicModule)[],
  providers: readonly Provider[] = [],
): Promise<INestApplicationContext> {
  @Global()
  @Module({
    providers: [
      { provide: EventLog, useValue: log },
      { provide: ProcessorStore, useValue: store },
      { provide: ViewsDatabase, useValue: database },
      { provide: Settings, useValue: new Settings({ LEASE_GRACE_MS: '0' }) },
    ],
    exports: [EventLog, ProcessorStore, ViewsDatabase, Settings],
  })
  class Given {}

  @Module({})
  class Empty {}

  const built = await Test.createTestingModule({
    imports: [Given, CqrsModule.forRoot(), ContextModule, ...imports],
    providers: [...providers],
  })
    .overrideModule(EventStoreModule)
    .useModule(Empty)
    .overrideModule(DatabaseModule)
    .useModule(Empty)
    .compile();
  built.useLogger(false);
  return built;
}

/** For tests: the processing of the service with these sagas and publishers, and no views. */
export async function processing(
  log: EventLog,
  store: ProcessorStore,
  providers: readonly Type[],
): Promise<INestApplicationContext> {
  const database = await ViewsDatabase.open(':memory:', () => undefined);
  return partOfService({ log, store, database }, [ProcessingModule], providers);
}
