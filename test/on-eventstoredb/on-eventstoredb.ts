import { afterAll, expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import { EventStoreDbServer } from '../eventstoredb-server/index.js';
import { keepEventLogs, type Variables } from '../service.js';

/**
 * Runs a test file once more with EVENT_STORE=eventstoredb: every service that it starts keeps its log
 * at one test server, each data folder under a prefix of its own, so that a service started again in the
 * same folder finds the same log.
 *
 * Run again are those for which the log does work: whole tasks from create to complete through client,
 * service and log (`publish-packages`, `two-programs`, `client`, `task-service`, `transport`), and what depends on the
 * log's positions, conflicts, remembered commands and waiting readers (`edge-cases`, `sent-again`,
 * `waiting`, `leases`, `task-types`). `crash` and the chaos run choose their store themselves. Not run again is what ends before
 * the log (frames, limits, authentication, bad input, the broker's own faults) and what is about a log
 * in a file (a full disk, an older file put back).
 */
export async function onEventStoreDb(load: () => Promise<unknown>): Promise<void> {
  const server = await EventStoreDbServer.start();
  keepEventLogs((dataDir) => settingsFor(server.connectionString, dataDir));
  await load();
  // Registered last: the services are gone by then.
  afterAll(async () => {
    // Their logs were here indeed, and none has left a call open.
    await server.calls.until((calls) => calls.of('batchAppend').open === 0);
    expect(server.calls.of('batchAppend').total).toBeGreaterThan(0);
    await server.close();
  });
}

/** Of a service whose log lies at this server, where no other folder's does. */
export function settingsFor(connectionString: string, dataDir: string): Variables {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  return {
    EVENT_STORE: 'eventstoredb',
    EVENTSTOREDB_URL: connectionString,
    EVENTSTOREDB_STREAM_PREFIX: `test-${name}.`,
  };
}
