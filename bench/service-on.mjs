/** The service for benchmarks that run on each event store: its log in a folder that is gone at the end. */
import { join } from 'node:path';
import { spawnEventStoreDbServer } from '../test/eventstoredb-server/launch.mjs';
import { startService } from './processes.mjs';
import { temporaryFolder } from './servers.mjs';

/**
 * @param eventStore `sqlite`, or `eventstoredb`: then the test server, a process beside it
 * @param own see withEndings
 * @returns {Promise<{ port: number, pid: number }>}
 */
export async function startServiceOn(eventStore, own, env = {}) {
  const folder = temporaryFolder(own);
  const settings = { ...env };
  if (eventStore === 'eventstoredb') {
    const store = await spawnEventStoreDbServer({ folder: join(folder, 'server') });
    own(() => store.close());
    Object.assign(settings, { EVENT_STORE: eventStore, EVENTSTOREDB_URL: store.connectionString });
  }
  const { child, port, stop } = await startService(join(folder, 'data'), { env: settings });
  own(stop);
  return { port, pid: child.pid };
}
