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
