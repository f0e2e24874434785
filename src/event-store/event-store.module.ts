import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { LogUnavailable } from './event-log.errors.js';
import { EventLog } from './event-log.port.js';
import { ProcessorStore } from './processor-store.port.js';
import { LogFile, SqliteEventLog, SqliteProcessorStore } from './sqlite/index.js';

/** Picks the adapters: the embedded SQLite log, with the processors' store in the same file. */
@Global()
@Module({
  providers: [
    { provide: LogFile, useFactory: openLogFile, inject: [Settings] },
    {
      provide: EventLog,
      useFactory: (file: LogFile) => new SqliteEventLog(file),
      inject: [LogFile],
    },
    {
      provide: ProcessorStore,
      useFactory: (file: LogFile) => new SqliteProcessorStore(file),
      inject: [LogFile],
    },
  ],
  exports: [EventLog, ProcessorStore],
})
export class EventStoreModule implements OnApplicationShutdown {
  constructor(
    @Inject(EventLog) private readonly log: EventLog,
    @Inject(ProcessorStore) private readonly processors: ProcessorStore,
  ) {}

  /** The last thing to stop: whoever answers or projects has stopped before. */
  async onApplicationShutdown(): Promise<void> {
    await this.processors.close();
    await this.log.close();
  }
}

function openLogFile({ dataDir }: Settings): LogFile {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw new LogUnavailable(`cannot make ${dataDir}: ${(error as Error).message}`, false);
  }
  return LogFile.open({ file: join(dataDir, 'log.db') });
}
