import { randomBytes } from 'node:crypto';
import type { Database } from '@taskmanager/sqlite-driver';
import { LogUnavailable } from '../event-log.errors.js';

/** Says in the file's header whose it is ("TMLG"), so that no other database is taken for a log. */
const APPLICATION_ID = 0x544d4c47;

/**
 * Migration n leads from `user_version` n to n + 1; released ones are never edited.
 * Positions are given out under the write lock, one after the other. There is no index on event ids:
 * a re-append is recognised by what stands at the expected revision (DESIGN §6.2). Ids are text,
 * because turning 16-byte blobs into text costs more on each read than the bytes are worth.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE log (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    probe INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES stream (id),
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (stream_id, revision)
  );
  CREATE TABLE snapshot (
    stream TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
  );
  CREATE TABLE checkpoint (processor TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE lease (
    processor TEXT PRIMARY KEY,
    owner TEXT,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE pause (processor TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE parked (
    processor TEXT NOT NULL,
    position TEXT NOT NULL,
    stream TEXT NOT NULL,
    event_id TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    PRIMARY KEY (processor, position)
  );
  `,
  // Columns are added, so that an older program which runs beside this one can still write its rows.
  `
  ALTER TABLE parked ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE parked ADD COLUMN type TEXT;
  ALTER TABLE parked ADD COLUMN wanted TEXT;
  UPDATE parked SET revision = event.revision, type = event.type
    FROM event WHERE event.position = CAST(substr(parked.position, 10) AS INTEGER);
  `,
];

/** Brings the file to the newest schema in one transaction; several processes may try at once. */
export function migrate(db: Database, migrations: readonly string[] = MIGRATIONS): void {
  db.transaction(() => {
    const version = numberPragma(db, 'user_version');
    refuseForeignFile(db, version);
    refuseNewerSchema(db, migrations);
    if (version === migrations.length) return;
    for (const migration of migrations.slice(version)) db.exec(migration);
    if (version === 0) {
      db.prepare('INSERT INTO log (one, id) VALUES (1, ?)').run(randomBytes(4).toString('hex'));
      db.pragma(`application_id = ${APPLICATION_ID}`);
    }
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}

export function readLogId(db: Database): string {
  return db.prepare<[], string>('SELECT id FROM log').pluck().get() ?? '';
}

export function refuseNewerSchema(db: Database, known: readonly string[] = MIGRATIONS): void {
  const version = numberPragma(db, 'user_version');
  if (version <= known.length) return;
  throw new LogUnavailable(
    `${db.name} has schema ${version}, this program knows up to ${known.length}. ` +
      'It was written by a newer version: run that one, or restore a backup of the older file.',
    false,
  );
}

export function refuseForeignFile(db: Database, version: number): void {
  if (numberPragma(db, 'application_id') === APPLICATION_ID) return;
  const tables = db.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (version === 0 && tables === 0) return;
  throw new LogUnavailable(`${db.name} is a database of something else, not an event log.`, false);
}

/** A pragma's value as this connection sees it. */
export function numberPragma(db: Database, name: string): number {
  return Number(db.pragma(name, { simple: true }));
}
