/**
 * better-sqlite3 for the Node that runs: release 12 is compiled for one Node version, runs on 20, and
 * aborts when it was built with the headers of 24.19 or later (nodejs/node#65446); release 13 has one
 * binary for all versions, from 22 on. Their interface is the same.
 */
import { createRequire } from 'node:module';

const FIRST_WITH_13 = 22;
const major = Number.parseInt(process.versions.node, 10);

/** @type {typeof import('better-sqlite3')} */
const Database = createRequire(import.meta.url)(
  major >= FIRST_WITH_13 ? 'better-sqlite3-napi' : 'better-sqlite3',
);

export default Database;

/** Each failure means that another one has come farther. */
const TRIES = 10;

/** See index.d.ts. */
export function useWal(database) {
  for (let tries = 1; ; tries++) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (error.code !== 'SQLITE_BUSY' || tries === TRIES) throw error;
    }
    // This does wait until the other one is done.
    database.exec('BEGIN IMMEDIATE; COMMIT');
  }
}
