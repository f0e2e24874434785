import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder, Settings, VARIABLES } from '../config/index.js';
import { type EventLog, LogUnavailable, type ProcessorStore } from '../event-store/index.js';
import {
  EventStoreDbEventLog,
  EventStoreDbProcessorStore,
} from '../event-store/eventstoredb/index.js';
import { LogFile, SqliteEventLog, SqliteProcessorStore } from '../event-store/sqlite/index.js';
import type { LogName } from './log-name.js';

/** An event log and what processors keep beside it. */
export interface OpenedLog {
  readonly log: EventLog;
  readonly processors: ProcessorStore;
  /** Appends under way at once that this kind of log writes in order, whatever fails. */
  readonly appendsInOrder: number;
  close(): Promise<void>;
}

export interface OpenLogOptions {
  /** Makes a file that is not there; else that is an error. A log in a cluster needs no making. */
  readonly create: boolean;
  /** The settings' variables, for a log in a cluster. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Told each new reason for which a cluster is still waited for. */
  readonly tell: (reason: string) => void;
}

/** Calls of one turn of the event loop share a transaction up to 512: all of them are written, or none. */
const SQLITE_APPENDS_IN_ORDER = 256;
/** While another process holds the file all of them wait: some being refused would break the order. */
const SQLITE_BUSY_LIMIT_MS = 600_000;
/** An answer that is lost is asked for again by the adapter, behind what was sent after it. */
const EVENTSTOREDB_APPENDS_IN_ORDER = 1;

/** Opens any event log by its name: the one place of the copy that knows the adapters. */
export async function openLog(name: LogName, options: OpenLogOptions): Promise<OpenedLog> {
  return name.kind === 'sqlite'
    ? openSqlite(name.path, options)
    : openEventStoreDb(name.url, options);
}

async function openEventStoreDb(
  url: string | undefined,
  { variables, tell }: OpenLogOptions,
): Promise<OpenedLog> {
  const { eventStoreDb } = new Settings({
    ...variables,
    ...(url === undefined ? {} : { [VARIABLES.eventStoreDbUrl.name]: url }),
    [VARIABLES.eventStore.name]: 'eventstoredb',
  });
  if (!eventStoreDb) throw new TypeError('The settings of EventStoreDB were not read.');
  const log = await EventStoreDbEventLog.open(eventStoreDb, tell);
  const processors = await EventStoreDbProcessorStore.open(eventStoreDb, tell);
  const appendsInOrder = EVENTSTOREDB_APPENDS_IN_ORDER;
  return { log, processors, appendsInOrder, close: closing(processors, log) };
}

function openSqlite(path: string, { create }: OpenLogOptions): OpenedLog {
  const file = sqliteFile(path);
  if (!create && !existsSync(file)) throw new LogUnavailable(`there is none at ${file}`, false);
  if (create) makeFolder(dirname(file));
  const opened = LogFile.open({ file, busyLimitMs: SQLITE_BUSY_LIMIT_MS });
  const log = new SqliteEventLog(opened);
  const processors = new SqliteProcessorStore(opened);
  return {
    log,
    processors,
    appendsInOrder: SQLITE_APPENDS_IN_ORDER,
    close: closing(processors, log),
  };
}

function sqliteFile(path: string): string {
  const isFolder = existsSync(path) ? statSync(path).isDirectory() : !path.endsWith('.db');
  return isFolder ? join(path, 'log.db') : path;
}

const closing = (processors: ProcessorStore, log: EventLog) => async () => {
  await processors.close();
  await log.close();
};
