import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from '@jest/globals';

/** `npm test` builds first. */
const VIEWS = new URL('../dist/database/views-database.js', import.meta.url);
const STARTS = 4;
const ROUNDS = 5;

/** Waits until all are there, then opens the file. */
const PROGRAM = `
  const { workerData: { views, file, gate, starts }, parentPort } = require('node:worker_threads');
  import(views).then(async ({ ViewsDatabase }) => {
    const there = new Int32Array(gate);
    Atomics.add(there, 0, 1);
    Atomics.notify(there, 0);
    for (let seen; (seen = Atomics.load(there, 0)) < starts; ) Atomics.wait(there, 0, seen, 1_000);
    (await ViewsDatabase.open(file, () => undefined)).close();
  }).then(() => parentPort.postMessage('open'), (error) => parentPort.postMessage(String(error)));
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'first-starts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('processes that start at once on a new folder make the file of the views once', async () => {
  const told: unknown[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const workerData = {
      views: VIEWS.href,
      file: join(folder, `${round}.db`),
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
  }
  expect(told).toEqual(Array.from({ length: STARTS * ROUNDS }, () => 'open'));
});
