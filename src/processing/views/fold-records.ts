import type { Position } from '@taskmanager/protocol';
import { type EventLog, type RecordedEvent, streamPages } from '../../event-store/index.js';
import { decodeTaskEvent, type StoredTaskEvent, taskIdOfStream } from '../../events/index.js';
import { EventFailed, failureOf } from './event-failed.js';
import type { ViewTables } from './view.js';

/** Decodes and folds, up to the first event that cannot be taken; answers that one's failure. */
export function foldRecords(
  tables: ViewTables,
  records: readonly RecordedEvent[],
  ahead: Position | undefined,
): EventFailed | undefined {
  const events: StoredTaskEvent[] = [];
  let undecodable: EventFailed | undefined;
  for (const record of records) {
    try {
      events.push(decodeTaskEvent(record));
    } catch (error) {
      undecodable = failureOf(record, error);
      break;
    }
  }
  try {
    tables.fold(events, ahead);
  } catch (error) {
    if (error instanceof EventFailed) return error;
    throw error;
  }
  return undecodable;
}

/** A task folded again from the log: what fails now, if anything, and where its rows begin anew. */
export interface Refolded {
  readonly failed: EventFailed | undefined;
  /** Position of its first event when it has no rows to go on from. */
  readonly created: Position | undefined;
}

/**
 * Folds, in memory only, what the log holds of one task behind its rows, up to and with `until`: what
 * waited, and what its rows lack before that. All of it when it has none.
 */
export async function refold(
  tables: ViewTables,
  log: EventLog,
  stream: string,
  until: Position,
  ahead: Position | undefined,
): Promise<Refolded> {
  const first = tables.revisionOf(taskIdOfStream(stream)) + 1;
  let created: Position | undefined;
  for await (const page of streamPages(log, stream, BigInt(first))) {
    if (first === 0) created ??= page[0]?.position;
    const due = page.filter(({ position }) => position <= until);
    const failed = foldRecords(tables, due, ahead);
    if (failed || due.length < page.length) return { failed, created };
  }
  return { failed: undefined, created };
}
