import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import Sqlite from '@taskmanager/sqlite-driver';
import { offsetOf } from '@taskmanager/protocol';
import { SystemClock } from '../../context/index.js';
import { ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import { MemoryEventLog, MemoryLogStorage } from '../../event-store/memory/index.js';
import { ProgressUpdated, taskStream } from '../../events/index.js';
import { JobAborted, JobInterrupted, type JobWork } from '../../jobs/index.js';
import type { ProcessorRunner } from '../../processing/index.js';
import { until } from '../../processing/handlers/handler-run.fixture.js';
import { temporaryFolder } from '../views.fixture.js';
import { AuditLog } from './audit-log.fixture.js';
import { AuditFiles } from './audit-files.js';
import { AuditReader } from './audit-reader.js';
import { AuditRun } from './audit-run.js';
import type { AuditSearchRequest } from './audit-search.js';
import { AuditThread } from './audit-thread.js';
import { AuditWitness } from './audit-witness.js';
import type { AuditProjection } from './audit.projection.js';

const EVENTS = 1_200;
/** The one job that runs. */
const JOB = 'job';
const ALL: AuditSearchRequest = { order: 'asc', limit: 10_000 };

/** One process on the data folder, as far as the audit knows it. */
interface Process {
  readonly run: AuditRun;
  readonly thread: AuditThread;
  readonly database: ViewsDatabase;
  readonly told: string[];
  readonly log: EventLog;
}

let folder: ReturnType<typeof temporaryFolder>;
let audit: AuditLog;
let processes: Process[];

beforeEach(async () => {
  folder = temporaryFolder();
  audit = new AuditLog(new MemoryEventLog());
  processes = [];
  await audit.fill(EVENTS);
});
afterEach(async () => {
  for (const one of [...processes]) await stop(one);
  folder.remove();
});

async function started(log: EventLog = audit.log): Promise<Process> {
  const process = await opened(log);
  process.run.start();
  return process;
}

/** Its loop stands still yet. */
async function opened(log: EventLog = audit.log): Promise<Process> {
  const database = await ViewsDatabase.open(folder.path('views.db'), () => undefined);
  const thread = new AuditThread();
  const told: string[] = [];
  const clock = new SystemClock();
  const tell = (message: string) => void told.push(message);
  const jobs = { isRunning: (jobId: string) => jobId === JOB };
  const run = new AuditRun({ database, log, clock, thread, jobs, tell });
  const process = { run, thread, database, told, log };
  processes.push(process);
  return process;
}

async function stop(process: Process): Promise<void> {
  processes.splice(processes.indexOf(process), 1);
  await process.run.stop();
  await process.thread.close();
  process.database.close();
}

async function caughtUp(log: EventLog = audit.log): Promise<Process> {
  const process = await started(log);
  await reached(process);
  return process;
}

const reached = async ({ run, log }: Process) =>
  expect(await run.waiters.wait((await log.head())!, 20_000)).toBe('reached');
const rowsOf = async ({ run, thread }: Process) =>
  (await thread.call('page', run.file!, ALL)).rows.map(({ eventId }) => eventId);
const written = () => audit.written.map(({ eventId }) => eventId);
const states = ({ run }: Process) =>
  run.builds.generations.of('audit').map(({ generation, state }) => `${generation} ${state}`);
const files = () => readdirSync(folder.path('.')).filter((name) => /^audit-\d+\.db$/.test(name));

/** A job's work; `onReport` may abort it. */
function work(
  onReport: (abort: AbortController, done: number) => void = () => undefined,
  jobId = JOB,
): JobWork {
  const abort = new AbortController();
  return {
    jobId,
    signal: abort.signal,
    report: ({ done }) => onReport(abort, done),
  };
}
/** Changes a file of the audit behind its back. */
function change(file: string, sql: string): void {
  const db = new Sqlite(file);
  db.exec(sql);
  db.close();
}

/** It is noticed when the file is written. */
function breakIndex(file: string): void {
  const db = new Sqlite(file).unsafeMode();
  db.pragma('writable_schema = ON');
  db.exec("UPDATE sqlite_schema SET rootpage = 999999 WHERE name = 'event_by_actor'");
  db.pragma('schema_version = 4711');
  db.close();
}

describe('the audit', () => {
  it('goes on after a restart where it was, and has every event once', async () => {
    await stop(await caughtUp());
    await audit.fill(200);
    const again = await caughtUp();
    expect(await rowsOf(again)).toEqual(written());
    expect(states(again)).toEqual(['1 serving']);
  });

  it('serves an empty log, and does nothing there', async () => {
    const process = await started(new MemoryEventLog());
    const state = async () => (await process.run.status(undefined)).map((one) => one.state);
    while ((await state())[0] !== 'live') await new Promise((resolve) => setTimeout(resolve, 5));
    const marker = () =>
      process.database.connection.prepare('SELECT marker FROM view_generation').pluck().all();
    const before = marker();
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(marker()).toEqual(before);
    expect(await state()).toEqual(['live']);
  });

  it('two processes on one folder never write a row twice', async () => {
    const [one, other] = [await started(), await started()];
    for (let n = 0; n < 20; n += 1) {
      await audit.append(n, new ProgressUpdated({ progress: n }));
      await Promise.all([reached(one), reached(other)]);
    }
    expect(await rowsOf(one)).toEqual(written());
    expect(await rowsOf(other)).toEqual(written());
    expect([...one.told, ...other.told]).toEqual([]);
    // Nor does the checkpoint move from where another process has brought it.
    const { file } = one.run;
    const early = audit.written[3]!.position;
    expect(await one.thread.call('write', file!, null, [], early)).toBe(false);
    expect((await other.thread.call('state', file!)).position).toBe(await audit.log.head());
  });

  it('stands still while it is paused, and catches up when it is resumed', async () => {
    const process = await caughtUp();
    await process.run.setPaused(true);
    await audit.fill(10);
    await until(async () => (await process.run.status(undefined))[0]?.state === 'paused');
    expect((await rowsOf(process)).length).toBe(EVENTS);
    await process.run.setPaused(false);
    await reached(process);
    expect(await rowsOf(process)).toEqual(written());
  });

  it('has a row for an event that cannot be read', async () => {
    const stream = taskStream(AuditLog.idOf(99));
    const id = '00000000-0000-4000-8000-000000000000';
    const broken = { id, type: 'TaskPaused', data: '{', metadata: 'no JSON' };
    await audit.log.append(stream, 'no_stream', [broken]);
    const process = await caughtUp();
    const { rows } = await process.thread.call('page', process.run.file!, {
      ...ALL,
      actor: 'unreadable',
    });
    expect(rows).toMatchObject([{ stream, eventId: id, at: 0, type: 'TaskPaused' }]);
    expect(rows[0]?.line).toContain('cannot be read');
    const report = await process.run.dryRun(work(), {});
    expect(report).toMatchObject({ ok: false, failureCount: 1, differenceCount: 0 });
    expect(report.failures).toMatchObject([{ type: 'TaskPaused', taskId: AuditLog.idOf(99) }]);
  });

  it('is built anew when its file is broken, which is kept, or gone', async () => {
    await stop(await caughtUp());
    writeFileSync(folder.path('audit-1.db'), 'x'.repeat(8_192));
    const mended = await caughtUp();
    expect(await rowsOf(mended)).toEqual(written());
    expect(mended.told).toEqual([expect.stringContaining('audit-1.db.broken')]);
    await stop(mended);
    for (const end of ['', '-wal', '-shm'])
      rmSync(folder.path(`audit-1.db${end}`), { force: true });
    expect(await rowsOf(await caughtUp())).toEqual(written());
  });

  it('keeps every file that was broken', async () => {
    for (const keptAs of ['audit-1.db.broken', 'audit-1.db.broken-2']) {
      await stop(await caughtUp());
      writeFileSync(folder.path('audit-1.db'), keptAs.repeat(1_000));
      const { told } = await caughtUp();
      expect(told).toEqual([expect.stringContaining(`${keptAs},`)]);
      expect(readFileSync(folder.path(keptAs), 'utf8')).toBe(keptAs.repeat(1_000));
      await stop(processes[0]!);
    }
  });

  it('is set aside once when two processes find it broken', async () => {
    const file = folder.path('audit-1.db');
    const { events, position } = await audit.log.readAll({ limit: 10 });
    const both = [new AuditFiles(), new AuditFiles()];
    for (const files of both) files.opened(file, audit.log.logId);
    breakIndex(file);
    for (const files of both) expect(() => files.write(file, null, events, position!)).toThrow();
    const [one, other] = both.map((files) => files.opened(file, audit.log.logId).broken);
    expect(one?.keptAs).toBe(`${file}.broken`);
    expect(other).toBeUndefined();
    for (const files of both) files.closeAll();
  });

  it('is built anew when its file breaks while it is written', async () => {
    const process = await caughtUp();
    breakIndex(process.run.file!);
    await audit.fill(10);
    await reached(process);
    expect(await rowsOf(process)).toEqual(written());
    expect(process.told.at(-1)).toContain('audit-1.db.broken');
  });

  it('goes on with its file when the views were taken away', async () => {
    await stop(await caughtUp());
    change(folder.path('audit-1.db'), "UPDATE detail SET line = 'from before'");
    for (const end of ['', '-wal', '-shm']) rmSync(folder.path(`views.db${end}`), { force: true });
    const again = await caughtUp();
    const { rows } = await again.thread.call('page', again.run.file!, { ...ALL, limit: 1 });
    expect(rows[0]?.line).toBe('from before');
  });

  it('goes on with the file of a rebuild, too, when the views were taken away', async () => {
    const process = await caughtUp();
    await process.run.rebuild(work(), { keepOld: false });
    await process.run.dropBuilds();
    await stop(process);
    expect(files()).toEqual(['audit-2.db']);
    change(folder.path('audit-2.db'), "UPDATE detail SET line = 'from before'");
    for (const stranger of ['another-2.db', 'audit-x.db']) writeFileSync(folder.path(stranger), '');
    for (const end of ['', '-wal', '-shm']) rmSync(folder.path(`views.db${end}`), { force: true });
    const again = await caughtUp();
    expect(files()).toEqual(['audit-2.db']);
    const { rows } = await again.thread.call('page', again.run.file!, { ...ALL, limit: 1 });
    expect(rows[0]?.line).toBe('from before');
    expect(await again.run.verify(work())).toMatchObject({ generation: 2 });
  });
});

it('a rebuild of the audit may go on before its loop has opened the file that serves', async () => {
  await stop(await caughtUp());
  const process = await opened();
  expect(await process.run.rebuild(work(), { keepOld: true })).toMatchObject({ ok: true, kept: 1 });
  await reached(process);
  expect(await rowsOf(process)).toEqual(written());
});

it('never lets a build of the audit serve that another process has given up', async () => {
  const one = await caughtUp();
  const { builds } = one.run;
  const begun = await builds.openRebuild(JOB);
  builds.giveUp(begun.generation);
  expect(() => builds.promote(begun, 'retired')).toThrow('audit');
  expect(states(one)).toEqual(['1 serving', '2 retired']);
});

describe('verifying the audit', () => {
  it('finds nothing where nothing differs', async () => {
    const { run } = await caughtUp();
    expect(await run.verify(work())).toMatchObject({
      projection: 'audit',
      generation: 1,
      ok: true,
      rows: EVENTS,
      position: await audit.log.head(),
      differences: [],
    });
  });

  it('names rows that are missing, too many, or say something else', async () => {
    const { run } = await caughtUp();
    const [missing, changed] = [audit.written[500]!, audit.written[900]!];
    change(
      run.file!,
      `DELETE FROM event WHERE offset = ${offsetOf(missing.position)};
       UPDATE event SET actor = (SELECT id FROM name WHERE kind = 2 AND text <> '${changed.actor}' LIMIT 1)
         WHERE offset = ${offsetOf(changed.position)};
       UPDATE detail SET line = 'nothing happened' WHERE offset = ${offsetOf(changed.position)};`,
    );
    const report = await run.verify(work());
    expect(report).toMatchObject({ ok: false, differenceCount: 3 });
    expect(report.differences).toMatchObject([
      { taskId: missing.taskId, text: expect.stringContaining('in the log, but not in the audit') },
      { taskId: changed.taskId, path: '/actor', log: changed.actor },
      { path: '/line', view: 'nothing happened' },
    ]);
  });

  it('names rows of events that the log no longer holds', async () => {
    const { run } = await caughtUp();
    change(
      run.file!,
      `INSERT INTO event SELECT offset + 10000, at, stream, type, actor, app, task_type, worker, correlation
         FROM event WHERE offset <= 21;
       INSERT INTO detail SELECT offset + 10000, event_id, revision, whole, status, attempt, transport,
         command_id, correlation_id, causation_id, refused, line FROM detail WHERE offset <= 21;
       UPDATE meta SET position = substr(position, 1, 9) || '00000000000000020000';`,
    );
    const { differences, differenceCount } = await run.verify(work());
    expect(differenceCount).toBe(3);
    expect(differences[0]?.text).toContain('in the audit, but not in the log');
  });

  it('goes through any number of rows too many in short calls, and keeps its answer small', async () => {
    const { run, thread } = await caughtUp();
    const many = 12_000;
    change(
      run.file!,
      `UPDATE detail SET line = hex(zeroblob(20000)) WHERE offset < 200;
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${many})
       INSERT INTO event SELECT offset * 100000 + n, at, stream, type, actor, app, task_type, worker, correlation
         FROM event, n WHERE offset = (SELECT max(offset) FROM event);
       INSERT INTO detail SELECT event.offset, event_id, revision, whole, status, attempt, transport,
         command_id, correlation_id, causation_id, refused, line
         FROM event, detail WHERE detail.offset = (SELECT max(offset) FROM detail) AND event.offset > detail.offset;
       UPDATE meta SET position = substr(position, 1, 9) || '00000099999999999999';`,
    );
    const call = jest.spyOn(thread, 'call');
    const report = await run.verify(work());
    const long = audit.written.filter(({ position }) => offsetOf(position) < 200n).length;
    expect(report).toMatchObject({ ok: false, rows: EVENTS, differenceCount: long + many });
    expect(JSON.stringify(report).length).toBeLessThan(300_000);
    const compared = call.mock.calls.filter(([method]) => method === 'compare');
    // Three pages of the log, and what lies behind it in pieces.
    expect(compared.length).toBeGreaterThanOrEqual(5);
    call.mockRestore();
  });
});

describe('rebuilding the audit', () => {
  it('answers every query from the old file or the new one, though the old one is taken away', async () => {
    // A log that takes its time: the new file is opened again long after it was swapped in.
    const slow: EventLog = Object.assign(Object.create(audit.log) as EventLog, {
      readStream: async (...args: Parameters<EventLog['readStream']>) => {
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        return audit.log.readStream(...args);
      },
    });
    const { run, thread, log } = await caughtUp(slow);
    const projection = { run, thread } as unknown as AuditProjection;
    const reader = new AuditReader(projection, {} as ProcessorRunner, log);
    const files = new Set<string>();
    const asking = new AbortController();
    const asked = (async () => {
      while (!asking.signal.aborted) {
        const { rows } = await reader.read({ now: false }, (inPlace, file) => {
          files.add(file);
          return inPlace.call('page', file, { order: 'desc', limit: 1 });
        });
        expect(rows).toHaveLength(1);
      }
    })();
    await run.rebuild(work(), { keepOld: false });
    await until(() => !existsSync(folder.path('audit-1.db')));
    asking.abort();
    await asked;
    expect(files.size).toBe(2);
  });

  it('makes a file that equals the log, while events go on, and keeps the old one until it is dropped', async () => {
    const process = await caughtUp();
    change(process.run.file!, "UPDATE detail SET line = 'wrong'");
    let added = 0;
    const reports: number[] = [];
    const adding: Promise<unknown>[] = [];
    const report = await process.run.rebuild(
      work((_, done) => {
        reports.push(done);
        if (added++ < 5) adding.push(audit.append(added, new ProgressUpdated({ progress: added })));
      }),
      { keepOld: true },
    );
    await Promise.all(adding);
    await reached(process);
    expect(report).toMatchObject({ projection: 'audit', generation: 2, ok: true, kept: 1 });
    expect(await process.run.verify(work())).toMatchObject({ ok: true, rows: EVENTS + 5 });
    expect(reports).toEqual(expect.arrayContaining([500, 1_000]));
    expect(states(process)).toEqual(['1 kept', '2 serving']);
    expect(await process.run.dropBuilds()).toEqual([1]);
    expect(files()).toEqual(['audit-2.db']);
    expect(states(process)).toEqual(['2 serving']);
  });

  it('takes its file away when it is aborted, and the old one goes on serving', async () => {
    const process = await caughtUp();
    const aborted = work((abort) => abort.abort(new JobAborted('JobAborted')));
    await expect(process.run.rebuild(aborted, { keepOld: true })).rejects.toThrow('JobAborted');
    expect(files()).toEqual(['audit-1.db']);
    expect(states(process)).toEqual(['1 serving']);
    await audit.fill(5);
    await reached(process);
    expect(await rowsOf(process)).toEqual(written());
  });

  it('goes on with what an earlier life has filled', async () => {
    const process = await caughtUp();
    const interrupted = work((abort) => abort.abort(new JobInterrupted('stopped')));
    await expect(process.run.rebuild(interrupted, { keepOld: false })).rejects.toThrow();
    await stop(process);
    const again = await caughtUp();
    const reports: number[] = [];
    const report = await again.run.rebuild(
      work((_, done) => reports.push(done)),
      { keepOld: false },
    );
    // Two pages of 500 were written before the first life ended.
    expect(reports[0]).toBe(EVENTS);
    expect(report).toMatchObject({ generation: 2, ok: true, events: EVENTS });
    await until(() => files().length === 1);
    expect(files()).toEqual(['audit-2.db']);
    expect(await rowsOf(again)).toEqual(written());
  });

  it('is done when its process died right after the swap, and builds nothing again', async () => {
    const process = await caughtUp();
    await process.run.rebuild(work(), { keepOld: true });
    await stop(process);
    // Before its loop has opened the file.
    const again = await opened();
    expect(await again.run.rebuild(work(), { keepOld: true })).toEqual({
      projection: 'audit',
      generation: 2,
      ok: true,
      rows: EVENTS,
      events: EVENTS,
      kept: 1,
      position: await audit.log.head(),
      differences: [],
      differenceCount: 0,
    });
    expect(states(again)).toEqual(['1 kept', '2 serving']);
    // Another job's build is its own.
    await again.run.rebuild(work(undefined, 'another'), { keepOld: false });
    expect(states(again)).toContain('3 serving');
  });

  it('gives up at the start what a job that no longer runs has begun', async () => {
    const process = await caughtUp();
    const interrupted = (jobId: string) =>
      process.run.rebuild(
        work((abort) => abort.abort(new JobInterrupted('stopped')), jobId),
        { keepOld: false },
      );
    await expect(interrupted(JOB)).rejects.toThrow();
    await expect(interrupted('gone')).rejects.toThrow();
    await stop(process);
    const again = await caughtUp();
    await until(() => files().length === 2);
    expect(states(again)).toEqual(['1 serving', '2 building']);
  });

  it('another process leaves a file that was kept when it is dropped, so that its room is free', async () => {
    const [one, other] = [await caughtUp(), await caughtUp()];
    await one.run.rebuild(work(), { keepOld: true });
    await until(() => other.run.file?.endsWith('audit-2.db') === true);
    // As a witness it asks the kept file, too, which stays open then.
    expect((await other.run.builds.witnesses()).files).toHaveLength(2);
    const kept = folder.path('audit-1.db');
    expect((await other.thread.call('state', kept)).events).toBe(EVENTS);
    expect(await one.run.dropBuilds()).toEqual([1]);
    expect(files()).toEqual(['audit-2.db']);
    const isLeft = () =>
      other.thread.call('state', kept).then(
        () => false,
        () => true,
      );
    await until(isLeft, 'the file is closed');
    expect(await rowsOf(other)).toEqual(written());
    expect([...one.told, ...other.told]).toEqual([]);
  });

  it('another process sees that another file serves', async () => {
    const [one, other] = [await caughtUp(), await caughtUp()];
    await one.run.rebuild(work(), { keepOld: false });
    await until(() => other.run.file?.endsWith('audit-2.db') === true);
    await audit.fill(5);
    await reached(other);
    expect(await rowsOf(other)).toEqual(written());
  });
});

describe('trying the audit on history', () => {
  it('compares a stretch that ends where the audit is, and leaves nothing behind', async () => {
    const { run } = await caughtUp();
    const before = readdirSync(folder.path('.')).sort();
    const tasks = new Set(audit.written.map(({ taskId }) => taskId)).size;
    const whole = await run.dryRun(work(), {});
    expect(whole).toMatchObject({ ok: true, events: EVENTS, tasks, differenceCount: 0 });
    change(run.file!, "UPDATE detail SET line = 'wrong' WHERE offset IN (7, 7700)");
    const from = audit.written[999]!.position;
    expect(await run.dryRun(work(), { from })).toMatchObject({ events: 200, differenceCount: 1 });
    const to = audit.written[99]!.position;
    expect(await run.dryRun(work(), { to })).toMatchObject({
      events: 100,
      position: to,
      ok: true,
    });
    expect(readdirSync(folder.path('.')).sort()).toEqual(before);
  });
});

describe('an audit that knows more than the log', () => {
  /** The log without its last events, or with others in their place. */
  async function shortened(events: number, others = 0): Promise<EventLog> {
    const storage = Object.assign(new MemoryLogStorage(), { logId: audit.log.logId });
    const log = new MemoryEventLog(storage);
    const { events: all } = await audit.log.readAll({ limit: 10_000 });
    for (const { stream, revision, ...event } of all.slice(0, events)) {
      await log.append(stream, revision === 0n ? 'no_stream' : revision - 1n, [event]);
    }
    for (let n = 0; n < others; n += 1) {
      await log.append('task-other', 'any', [
        { id: `${n}`, type: 'X', data: '{}', metadata: '{}' },
      ]);
    }
    return log;
  }
  const witnessOf = ({ run, thread, log }: Process) =>
    new AuditWitness({ run, thread } as unknown as AuditProjection, log);

  it.each([
    ['its end was cut off', 0],
    ['another end was put in its place', 400],
  ])('is kept as evidence when %s, and another one is built', async (_, others) => {
    await stop(await caughtUp());
    const log = await shortened(1_000, others);
    const process = await caughtUp(log);
    expect(process.told).toEqual([
      expect.stringContaining('knows events that the log does not hold'),
    ]);
    expect(process.told[0]).toContain('audit-1.db is kept as evidence');
    expect(states(process)).toEqual(['1 kept', '2 serving']);
    expect((await rowsOf(process)).length).toBe(1_000 + others);

    const lost = audit.written[1_000]!;
    const [first] = await witnessOf(process).beyond(audit.written[999]!.position, 1);
    if (others === 0)
      expect(first).toMatchObject({ eventId: lost.eventId, position: lost.position });
    const heads = await witnessOf(process).heads(undefined, 10_000);
    const last = audit.written.filter(({ stream }) => stream === lost.stream).at(-1)!;
    expect(heads.find(({ stream }) => stream === lost.stream)).toMatchObject({
      eventId: last.eventId,
      position: last.position,
      type: last.type,
    });
  });

  it('of another release is not asked, nor touched, and it is said that one is there', async () => {
    const before = await caughtUp();
    await before.run.rebuild(work(), { keepOld: true });
    await stop(before);
    const kept = folder.path('audit-1.db');
    change(kept, 'UPDATE meta SET version = 99; DROP TABLE detail;');
    const asLeft = readFileSync(kept);
    const process = await caughtUp();
    const witness = witnessOf(process);
    expect(await witness.silent()).toBe(1);
    expect(await witness.heads(undefined, 10_000)).toHaveLength(
      new Set(audit.written.map(({ stream }) => stream)).size,
    );
    expect(readFileSync(kept)).toEqual(asLeft);
    expect(states(process)).toEqual(['1 kept', '2 serving']);
  });

  it('that was taken away is not asked, and it is said that one is missing', async () => {
    const process = await caughtUp();
    await process.run.rebuild(work(), { keepOld: true });
    expect(await witnessOf(process).silent()).toBe(0);
    await process.thread.call('drop', folder.path('audit-1.db'));
    expect(await witnessOf(process).silent()).toBe(1);
  });

  it('says the last event of each stream, in pages, in the order of their names', async () => {
    const witness = witnessOf(await caughtUp());
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await witness.heads(after, 7);
      found.push(...page.map(({ stream, revision }) => `${stream} ${revision}`));
      after = page.at(-1)?.stream;
      if (page.length < 7) break;
    }
    const heads = new Map<string, number>();
    for (const { stream } of audit.written) heads.set(stream, (heads.get(stream) ?? -1) + 1);
    expect(found).toEqual([...heads].map(([stream, last]) => `${stream} ${last}`).sort());
    expect(existsSync(folder.path('audit-1.db'))).toBe(true);
  });
});
