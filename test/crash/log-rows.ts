import Database from '@taskmanager/sqlite-driver';
import type { StoredText } from '../model/task-fold.js';

/** An event as it lies in the file, read without anything of src/. */
export interface LogRow extends StoredText {
  /** As on the wire. */
  readonly position: string;
}

/** The whole log in its order, from the file itself, while the service has it open. */
export function readLogFile(file: string): LogRow[] {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    const logId = db.prepare<[], string>('SELECT id FROM log').pluck().get();
    const rows = db
      .prepare<[], StoredText & { place: number }>(
        `SELECT e.position AS place, s.name AS stream, e.revision, e.id, e.type, e.data, e.metadata
         FROM event e JOIN stream s ON s.id = e.stream_id ORDER BY e.position`,
      )
      .all();
    return rows.map(({ place, ...event }) => ({
      ...event,
      position: `${logId}:${String(place).padStart(20, '0')}`,
    }));
  } finally {
    db.close();
  }
}

export function byStream<T extends StoredText>(rows: readonly T[]): Map<string, T[]> {
  const streams = new Map<string, T[]>();
  for (const row of rows) {
    const stream = streams.get(row.stream);
    if (stream) stream.push(row);
    else streams.set(row.stream, [row]);
  }
  return streams;
}
