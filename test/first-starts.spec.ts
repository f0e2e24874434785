import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ViewsDatabase } from '../src/database/index.js';
import { LogFile } from '../src/event-store/sqlite/log-file.js';
import { openAuditDatabase } from '../src/projections/audit/audit-schema.js';

/** `npm test` builds first. */
const VIEWS = new URL('../dist/database/views-database.js', import.meta.url);
const DRIVER = import.meta.resolve('@taskmanager/sqlite-driver');
const STARTS = 4;
const ROUNDS = 4;

/** Waits until all are there, then opens the file. */
const PROGRAM = `
  const { workerData: { views, file, gate, starts }, parentPort, threadId } = require('node:worker_threads');
  import(views).then(async ({ ViewsDatabase }) => {
    const there = new Int32Array(gate);
    Atomics.add(there, 0, 1);
    Atomics.notify(there, 0);
    for (let seen; (seen = Atomics.load(there, 0)) < starts; ) Atomics.wait(there, 0, seen, 1_000);
    const database = await ViewsDatabase.open(file, () => undefined);
    database.connection.prepare('INSERT INTO view_paused VALUES (?)').run(String(threadId));
    database.close();
  }).then(() => parentPort.postMessage('open'), (error) => parentPort.postMessage(String(error)));
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-starts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['on a new folder', undefined],
  ['on a folder whose views are broken', 'no database at all, whatever its name says'.repeat(500)],
])('processes that start at once %s make the file of the views once', async (_, before) => {
  const told: unknown[] = [];
  const written: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const file = join(folder, `${round}.db`);
    if (before !== undefined) writeFileSync(file, before);
    const workerData = {
      views: VIEWS.href,
      file,
      gate: new SharedArrayBuffer(4),
      starts: STARTS,
    };
    const openings = Array.from({ length: STARTS }, async () => {
      const worker = new Worker(PROGRAM, { eval: true, workerData });
      const ended = once(worker, 'exit');
      const [message] = (await once(worker, 'message')) as unknown[];
      await ended;
      return message;
    });
    told.push(...(await Promise.all(openings)));
    const views = await ViewsDatabase.open(file, () => undefined);
    written.push(views.connection.prepare('SELECT view FROM view_paused').all().length);
    views.close();
  }
  expect(told).toEqual(Array.from({ length: STARTS * ROUNDS }, () => 'open'));
  expect(written).toEqual(Array.from({ length: ROUNDS }, () => STARTS));
});

/** Has begun to write a new file, and goes on with it for a moment. */
const OTHER = `
  const { workerData: { driver, file }, parentPort } = require('node:worker_threads');
  import(driver).then(({ default: Database }) => {
    const database = new Database(file);
    database.exec('BEGIN IMMEDIATE');
    parentPort.postMessage('begun');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    database.exec('COMMIT');
    database.close();
  });
`;

it.each<[string, (file: string) => unknown]>([
  ['log', (file) => LogFile.open({ file }).db.close()],
  ['views', async (file) => (await ViewsDatabase.open(file, () => undefined)).close()],
  ['audit', (file) => openAuditDatabase(file, '0000abcd', 1).close()],
])('a process that opens a new file which another one writes waits for it: %s', async (_, open) => {
  const file = join(folder, 'new.db');
  const other = new Worker(OTHER, { eval: true, workerData: { driver: DRIVER, file } });
  const ended = once(other, 'exit');
  await once(other, 'message');
  await open(file);
  await ended;
});
