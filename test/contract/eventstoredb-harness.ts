import { randomUUID } from 'node:crypto';
import { Settings } from '../../src/config/index.js';
import type { EventStoreDbOptions } from '../../src/event-store/eventstoredb/index.js';
import { EventStoreDbServer } from '../eventstoredb-server/index.js';

/**
 * Where a suite's log lies: at the real server of EVENTSTOREDB_URL when that is set, in streams of its
 * own; else at a test server in this process.
 */
export async function eventStoreDb(): Promise<{
  options: EventStoreDbOptions;
  /** Undefined: a real one. */
  server: EventStoreDbServer | undefined;
  remove: () => Promise<void>;
}> {
  const real = process.env.EVENTSTOREDB_URL;
  const server = real === undefined ? await EventStoreDbServer.start() : undefined;
  const url = server?.connectionString ?? real;
  return { options: optionsFor(url), server, remove: async () => server?.close() };
}

/** As the service reads them, with a prefix that no other suite uses. */
export function optionsFor(
  url: string | undefined,
  variables: Readonly<Record<string, string>> = {},
): EventStoreDbOptions {
  const { eventStoreDb: options } = new Settings({
    ...process.env,
    EVENT_STORE: 'eventstoredb',
    EVENTSTOREDB_URL: url,
    EVENTSTOREDB_STREAM_PREFIX: `test-${randomUUID().slice(0, 8)}.`,
    ...variables,
  });
  return options!;
}
