import type { EventLog } from '../../event-store/index.js';
import { decodeTaskEvent, taskStream } from '../../events/index.js';

const PAGE = 100;
/** A pause lies near the end: hardly anything happens to a task while it stands. */
const PAGES = 10;

/** Who paused the task last, and why; undefined when that lies too far back. */
export async function lastPause(
  log: EventLog,
  taskId: string,
): Promise<{ by: string; reason?: string } | undefined> {
  let from: bigint | undefined;
  for (let page = 0; page < PAGES; page++) {
    const options = { from, direction: 'backwards', limit: PAGE } as const;
    const records = await log.readStream(taskStream(taskId), options);
    for (const record of records) {
      if (record.type !== 'TaskPaused') continue;
      const { event, metadata } = decodeTaskEvent(record);
      const reason = event.type === 'TaskPaused' ? event.data.reason : undefined;
      return { by: metadata.actor.id, ...(reason !== undefined && { reason }) };
    }
    const last = records.at(-1);
    if (!last || last.revision === 0n) return undefined;
    from = last.revision - 1n;
  }
  return undefined;
}
