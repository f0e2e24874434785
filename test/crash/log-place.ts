import { join } from 'node:path';
import { spawnEventStoreDbServer } from '../eventstoredb-server/index.js';
import { settingsFor } from '../on-eventstoredb/on-eventstoredb.js';
import type { Variables } from '../service.js';
import { readClusterLog } from './cluster-rows.js';
import { type LogRow, readLogFile } from './log-rows.js';

export const EVENT_STORES = ['sqlite', 'eventstoredb'] as const;
export type EventStoreName = (typeof EVENT_STORES)[number];

/** Where the log of a service lies that is killed. */
export interface LogPlace {
  /** What the service is told of it. */
  readonly settings: Variables;
  /** The whole log in its order, read without anything of src/, while the service has it open. */
  read(): Promise<LogRow[]>;
  forget(): Promise<void>;
}

export async function makeLogPlace(store: EventStoreName, dataDir: string): Promise<LogPlace> {
  if (store === 'sqlite') {
    const read = async () => readLogFile(join(dataDir, 'log.db'));
    return { settings: {}, read, forget: async () => undefined };
  }
  // In a process of its own, as a cluster is: the load of this one must not slow it down.
  const server = await spawnEventStoreDbServer();
  const settings = settingsFor(server.connectionString, dataDir);
  const prefix = settings['EVENTSTOREDB_STREAM_PREFIX'] ?? '';
  return {
    settings,
    read: () => readClusterLog(server.connectionString, prefix),
    forget: () => server.close(),
  };
}
