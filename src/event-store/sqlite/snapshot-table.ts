import type { Database, Statement } from '@taskmanager/sqlite-driver';
import type { Snapshot } from '../event-log.port.js';
import { revisionOf } from './recorded-events.js';

type SnapshotRow = [revision: number, version: number, state: string];

/** One snapshot a stream. It has no tie to the event table: losing the table costs time only. */
export class SnapshotTable {
  private readonly select: Statement<[string], SnapshotRow>;
  private readonly upsert: Statement<[string, number, number, string]>;
  private readonly remove: Statement<[string]>;

  constructor(db: Database) {
    this.select = db
      .prepare<[string], SnapshotRow>(
        'SELECT revision, version, state FROM snapshot WHERE stream = ?',
      )
      .raw();
    this.upsert = db.prepare(
      `INSERT INTO snapshot (stream, revision, version, state) VALUES (?, ?, ?, ?)
       ON CONFLICT (stream) DO UPDATE
         SET revision = excluded.revision, version = excluded.version, state = excluded.state
         WHERE excluded.version <> version OR excluded.revision >= revision`,
    );
    this.remove = db.prepare('DELETE FROM snapshot WHERE stream = ?');
  }

  read(stream: string): Snapshot | undefined {
    const row = this.select.get(stream);
    return row && { revision: revisionOf(row[0]), version: row[1], state: row[2] };
  }

  write(stream: string, { revision, version, state }: Snapshot): void {
    this.upsert.run(stream, Number(revision), version, state);
  }

  delete(stream: string): void {
    this.remove.run(stream);
  }
}
