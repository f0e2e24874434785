import type { EventLog, RecordedEvent, Revision } from './event-log.port.js';

/** Events read at a time: each may hold payloads. */
const PAGE = 200;

/** The events of a stream from a revision on, to its end, page by page; no page is empty. */
export async function* streamPages(
  log: EventLog,
  stream: string,
  from: Revision = 0n,
): AsyncGenerator<readonly RecordedEvent[], void> {
  for (let next = from; ;) {
    const page = await log.readStream(stream, { from: next, limit: PAGE });
    const last = page.at(-1);
    if (!last) return;
    yield page;
    if (page.length < PAGE) return;
    // In a file that somebody has changed revisions may be missing.
    next = last.revision + 1n;
  }
}
