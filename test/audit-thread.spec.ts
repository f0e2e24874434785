import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Refusal, SystemClock } from '../src/context/index.js';
import { ViewsDatabase } from '../src/database/index.js';
import { MemoryEventLog } from '../src/event-store/memory/index.js';
import { AuditLog } from '../src/projections/audit/audit-log.fixture.js';
import { AuditReader } from '../src/projections/audit/audit-reader.js';
import { AuditRun } from '../src/projections/audit/audit-run.js';
import { AuditThread } from '../src/projections/audit/audit-thread.js';
import type { AuditProjection } from '../src/projections/audit/audit.projection.js';
import { until } from './until.js';

/** `npm test` builds first. */
const PROGRAM = new URL('../dist/projections/audit/audit.thread.js', import.meta.url);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The thread's program, but its first life ends at a message: the third one, or that method's first call. */
function mortalProgram(method?: string): { readonly program: URL; readonly died: string } {
  const [file, died] = [join(folder, 'mortal.mjs'), join(folder, 'died')];
  writeFileSync(
    file,
    `import { existsSync, writeFileSync } from 'node:fs';
     import { parentPort } from 'node:worker_threads';
     await import(${JSON.stringify(PROGRAM.href)});
     let messages = 0;
     const method = ${JSON.stringify(method ?? null)};
     if (!existsSync(${JSON.stringify(died)})) parentPort.on('message', (call) => {
       messages += 1;
       if (method === null ? messages < 3 : call.method !== method) return;
       writeFileSync(${JSON.stringify(died)}, '');
       process.exit(3);
     });`,
  );
  return { program: pathToFileURL(file), died };
}

const NO_JOBS = { isRunning: () => false };

it('a thread of the audit that dies is begun anew, and no event is missing', async () => {
  const audit = new AuditLog(new MemoryEventLog());
  await audit.fill(2_000);
  const { program, died } = mortalProgram();
  const database = await ViewsDatabase.open(join(folder, 'views.db'), () => undefined);
  const thread = new AuditThread(program);
  const told: string[] = [];
  const place = { database, log: audit.log, clock: new SystemClock(), thread, jobs: NO_JOBS };
  const run = new AuditRun({ ...place, tell: (message) => void told.push(message) });
  run.start();
  try {
    expect(await run.waiters.wait((await audit.log.head())!, 20_000)).toBe('reached');
    expect(existsSync(died)).toBe(true);
    expect(told).toEqual([expect.stringContaining('The thread of the audit ended')]);
    const request = { order: 'asc', limit: 10_000 } as const;
    const { rows } = await thread.call('page', run.file!, request);
    expect(rows.map(({ eventId }) => eventId)).toEqual(audit.written.map(({ eventId }) => eventId));
  } finally {
    await run.stop();
    await thread.close();
    database.close();
  }
});

it('a thread of the audit that dies under a query opens its file again, though no event comes', async () => {
  const audit = new AuditLog(new MemoryEventLog());
  await audit.fill(20);
  const { program, died } = mortalProgram('totals');
  const database = await ViewsDatabase.open(join(folder, 'views.db'), () => undefined);
  const thread = new AuditThread(program);
  const place = { database, log: audit.log, clock: new SystemClock(), thread, jobs: NO_JOBS };
  const run = new AuditRun({ ...place, tell: () => undefined });
  run.start();
  try {
    expect(await run.waiters.wait((await audit.log.head())!, 20_000)).toBe('reached');
    const total = () => thread.call('totals', run.file!).then(({ events }) => events);
    // It answers before it dies, or it does not.
    await total().catch(() => undefined);
    await until(() => existsSync(died));
    await until(() => total().then(Boolean, () => false), 'the audit answers again');
    expect(await total()).toBe(audit.written.length);
  } finally {
    await run.stop();
    await thread.close();
    database.close();
  }
});

it('a thread of the audit that has much to do is not taken for one that hangs; one that hangs is ended', async () => {
  const file = join(folder, 'slow.mjs');
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';
     const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
     parentPort.on('message', (call) => {
       if (call === 'close') return parentPort.close();
       pause(call.method === 'totals' ? 60_000 : 250);
       parentPort.postMessage({ id: call.id, result: true });
     });`,
  );
  const thread = new AuditThread(pathToFileURL(file), 1_500);
  try {
    const calls = Array.from({ length: 8 }, () => thread.call('exists', 'audit-1.db'));
    expect(await Promise.all(calls)).toEqual(Array(8).fill(true));
    await expect(thread.call('totals', 'audit-1.db')).rejects.toThrow('answered nothing');
    expect(await thread.call('exists', 'audit-1.db')).toBe(true);
  } finally {
    await thread.close();
  }
});

it('a query that the thread of the audit keeps waiting is refused, with what the thread is at, and so is one too many', async () => {
  const [file, held] = [join(folder, 'held.mjs'), join(folder, 'held')];
  writeFileSync(
    file,
    `import { existsSync } from 'node:fs';
     import { AuditFiles } from ${JSON.stringify(new URL('audit-files.js', PROGRAM).href)};
     const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
     for (const method of ['opened', 'totals']) {
       const done = AuditFiles.prototype[method];
       AuditFiles.prototype[method] = function (...args) {
         while (existsSync(${JSON.stringify(held)})) pause();
         return done.apply(this, args);
       };
     }
     await import(${JSON.stringify(PROGRAM.href)});`,
  );
  const audit = new AuditLog(new MemoryEventLog());
  await audit.fill(20);
  const database = await ViewsDatabase.open(join(folder, 'views.db'), () => undefined);
  const thread = new AuditThread(pathToFileURL(file));
  const place = { database, log: audit.log, clock: new SystemClock(), thread, jobs: NO_JOBS };
  const run = new AuditRun({ ...place, tell: () => undefined });
  const projection = { run, thread } as unknown as AuditProjection;
  const reader = new AuditReader(projection, undefined as never, audit.log);
  reader.answerMs = 200;
  const total = () => reader.read({ now: false }, (_, served) => thread.call('totals', served));
  const refused = (message: RegExp) => ({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(message),
  });
  writeFileSync(held, '');
  run.start();
  try {
    await expect(total()).rejects.toMatchObject(refused(/being opened.*at "opened" for/));
    rmSync(held);
    expect(await run.waiters.wait((await audit.log.head())!, 20_000)).toBe('reached');
    writeFileSync(held, '');
    await expect(total()).rejects.toMatchObject(refused(/within 200 ms: .*at "totals" for/));
    // Nobody waits for them any more, and the thread has them before it all the same.
    const code = () => total().catch((error: Refusal) => error.code);
    const codes = await Promise.all(Array.from({ length: 300 }, code));
    expect(codes).toEqual(Array.from(codes, (_, n) => (n < 255 ? 'UNAVAILABLE' : 'OVERLOADED')));
    await expect(total()).rejects.toMatchObject({ code: 'OVERLOADED' });
    rmSync(held);
    await until(() =>
      total().then(
        ({ events }) => events === 20,
        () => false,
      ),
    );
  } finally {
    rmSync(held, { force: true });
    await run.stop();
    await thread.close();
    database.close();
  }
});
