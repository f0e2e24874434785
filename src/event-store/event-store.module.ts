import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Global, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { makeFolder, Settings } from '../config/index.js';
import { LogUnavailable } from './event-log.errors.js';
import { EventLog } from './event-log.port.js';
import { LOG_FILE } from './log-files.port.js';
import { ProcessorStore } from './processor-store.port.js';
import { LogFile, SqliteEventLog, SqliteProcessorStore } from './sqlite/index.js';

const WRITER_THREAD = new URL('./sqlite/log-writer.thread.js', import.meta.url);

/** Both of the one place where the log lies: the processors' store lives with the log. */
abstract class OpenedEventStore {
  abstract readonly log: EventLog;
  abstract readonly processors: ProcessorStore;
}

/**
 * Picks the adapters: the embedded SQLite log, with the processors' store in the same file, or a log
 * in an EventStoreDB cluster, with the store in streams beside it. A cluster that is away at the start
 * is waited for and told about; after EVENTSTOREDB_START_TIMEOUT_MS the start fails with the reason.
 */
@Global()
@Module({
  providers: [
    { provide: LogFile, useFactory: openLogFile, inject: [Settings] },
    { provide: OpenedEventStore, useFactory: openEventStore, inject: [Settings, LogFile] },
    {
      provide: EventLog,
      useFactory: ({ log }: OpenedEventStore) => log,
      inject: [OpenedEventStore],
    },
    {
      provide: ProcessorStore,
      useFactory: ({ processors }: OpenedEventStore) => processors,
      inject: [OpenedEventStore],
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

/** Undefined when the log is not in a file. */
function openLogFile({ dataDir, eventStore, logWriterThread }: Settings): LogFile | undefined {
  if (eventStore !== 'sqlite') return undefined;
  try {
    makeFolder(dataDir);
  } catch (error) {
    throw new LogUnavailable(`cannot make ${dataDir}: ${(error as Error).message}`, false);
  }
  // There is none to run where the service runs from its sources.
  const thread = logWriterThread && existsSync(WRITER_THREAD) ? WRITER_THREAD : undefined;
  return LogFile.open({ file: join(dataDir, LOG_FILE) }, thread);
}

async function openEventStore(
  { eventStoreDb }: Settings,
  file: LogFile | undefined,
): Promise<OpenedEventStore> {
  if (file) return { log: new SqliteEventLog(file), processors: new SqliteProcessorStore(file) };
  if (!eventStoreDb) throw new Error('No event store is set up.');
  // Its client takes twenty megabytes that the embedded log has no use for.
  const { EventStoreDbEventLog, EventStoreDbProcessorStore } =
    await import('./eventstoredb/index.js');
  const logger = new Logger('EventStoreDB');
  const tell = (reason: string) => logger.warn(`waiting for the event log: ${reason}`);
  const log = await EventStoreDbEventLog.open(eventStoreDb, tell);
  return { log, processors: await EventStoreDbProcessorStore.open(eventStoreDb, tell) };
}
