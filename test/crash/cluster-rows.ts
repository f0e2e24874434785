import { EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client';
import type { LogRow } from './log-rows.js';

/** What the adapter keeps beside the log begins with this and the prefix. */
const OWN = '_';

/**
 * A whole log in a cluster, in its order, with nothing but the bare client. Its texts are had again from
 * the values, as anybody would have them who checks the hashes.
 */
export async function readClusterLog(connectionString: string, prefix: string): Promise<LogRow[]> {
  const client = EventStoreDBClient.connectionString(connectionString);
  try {
    let logId = '';
    const rows: { row: Omit<LogRow, 'position'>; commit: bigint }[] = [];
    for await (const { event } of client.readAll({ direction: FORWARDS, fromPosition: START })) {
      if (event?.streamId === `${OWN}${prefix}log`) logId = (event.data as { id: string }).id;
      if (!event?.streamId.startsWith(prefix)) continue;
      const { id, type, data, metadata, position } = event;
      const place = {
        stream: event.streamId.slice(prefix.length),
        revision: Number(event.revision),
      };
      const texts = { data: JSON.stringify(data), metadata: JSON.stringify(metadata) };
      rows.push({ row: { ...place, id, type, ...texts }, commit: position.commit });
    }
    return rows.map(({ row, commit }) => ({
      ...row,
      position: `${logId}:${String(commit).padStart(20, '0')}`,
    }));
  } finally {
    await client.dispose();
  }
}
