import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import Sqlite from '@taskmanager/sqlite-driver';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { ProgressUpdated, taskStream } from '../../events/index.js';
import { AuditFiles } from './audit-files.js';
import {
  ALL,
  AuditFolder,
  change,
  EVENTS,
  reached,
  rowsOf,
  states,
  work,
} from './audit-folder.fixture.js';
import { AuditLog } from './audit-log.fixture.js';
import { until } from '../../../test/until.js';

let here: AuditFolder;
beforeEach(async () => {
  here = await AuditFolder.filled();
});
afterEach(() => here.close());

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
    await here.stop(await here.caughtUp());
    await here.audit.fill(200);
    const again = await here.caughtUp();
    expect(await rowsOf(again)).toEqual(here.written());
    expect(states(again)).toEqual(['1 serving']);
  });

  it('serves an empty log, and does nothing there', async () => {
    const process = await here.started(new MemoryEventLog());
    const state = async () => (await process.run.status(undefined)).map((one) => one.state);
    await until(async () => (await state())[0] === 'live');
    const marker = () =>
      process.database.connection.prepare('SELECT marker FROM view_generation').pluck().all();
    const before = marker();
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(marker()).toEqual(before);
    expect(await state()).toEqual(['live']);
  });

  it('two processes on one folder never write a row twice', async () => {
    const [one, other] = [await here.started(), await here.started()];
    for (let n = 0; n < 20; n += 1) {
      await here.audit.append(n, new ProgressUpdated({ progress: n }));
      await Promise.all([reached(one), reached(other)]);
    }
    expect(await rowsOf(one)).toEqual(here.written());
    expect(await rowsOf(other)).toEqual(here.written());
    expect([...one.told, ...other.told]).toEqual([]);
    // Nor does the checkpoint move from where another process has brought it.
    const { file } = one.run;
    const early = here.audit.written[3]!.position;
    expect(await one.thread.call('write', file!, null, [], early)).toBe(false);
    expect((await other.thread.call('state', file!)).position).toBe(await here.audit.log.head());
  });

  it('stands still while it is paused, and catches up when it is resumed', async () => {
    const process = await here.caughtUp();
    await process.run.setPaused(true);
    await here.audit.fill(10);
    await until(async () => (await process.run.status(undefined))[0]?.state === 'paused');
    expect((await rowsOf(process)).length).toBe(EVENTS);
    await process.run.setPaused(false);
    await reached(process);
    expect(await rowsOf(process)).toEqual(here.written());
  });

  it('has a row for an event that cannot be read', async () => {
    const stream = taskStream(AuditLog.idOf(99));
    const id = '00000000-0000-4000-8000-000000000000';
    const broken = { id, type: 'TaskPaused', data: '{', metadata: 'no JSON' };
    await here.audit.log.append(stream, 'no_stream', [broken]);
    const process = await here.caughtUp();
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
    await here.stop(await here.caughtUp());
    writeFileSync(here.path('audit-1.db'), 'x'.repeat(8_192));
    const mended = await here.caughtUp();
    expect(await rowsOf(mended)).toEqual(here.written());
    expect(mended.told).toEqual([expect.stringContaining('audit-1.db.broken')]);
    await here.stop(mended);
    here.remove('audit-1.db');
    expect(await rowsOf(await here.caughtUp())).toEqual(here.written());
  });

  it('keeps every file that was broken', async () => {
    for (const keptAs of ['audit-1.db.broken', 'audit-1.db.broken-2']) {
      await here.stop(await here.caughtUp());
      writeFileSync(here.path('audit-1.db'), keptAs.repeat(1_000));
      const { told } = await here.caughtUp();
      expect(told).toEqual([expect.stringContaining(`${keptAs},`)]);
      expect(readFileSync(here.path(keptAs), 'utf8')).toBe(keptAs.repeat(1_000));
      await here.stop(here.processes[0]!);
    }
  });

  it('is set aside once when two processes find it broken', async () => {
    const file = here.path('audit-1.db');
    const { events, position } = await here.audit.log.readAll({ limit: 10 });
    const both = [new AuditFiles(), new AuditFiles()];
    for (const files of both) files.opened(file, here.audit.log.logId);
    breakIndex(file);
    for (const files of both) expect(() => files.write(file, null, events, position!)).toThrow();
    const [one, other] = both.map((files) => files.opened(file, here.audit.log.logId).broken);
    expect(one?.keptAs).toBe(`${file}.broken`);
    expect(other).toBeUndefined();
    for (const files of both) files.closeAll();
  });

  it('is built anew when its file breaks while it is written', async () => {
    const process = await here.caughtUp();
    breakIndex(process.run.file!);
    await here.audit.fill(10);
    await reached(process);
    expect(await rowsOf(process)).toEqual(here.written());
    expect(process.told.at(-1)).toContain('audit-1.db.broken');
  });

  it('goes on with its file when the views were taken away', async () => {
    await here.stop(await here.caughtUp());
    change(here.path('audit-1.db'), "UPDATE detail SET line = 'from before'");
    here.remove('views.db');
    const again = await here.caughtUp();
    const { rows } = await again.thread.call('page', again.run.file!, { ...ALL, limit: 1 });
    expect(rows[0]?.line).toBe('from before');
  });

  it('goes on with the file of a rebuild, too, when the views were taken away', async () => {
    const process = await here.caughtUp();
    await process.run.rebuild(work(), { keepOld: false });
    await process.run.dropBuilds();
    await here.stop(process);
    expect(here.files()).toEqual(['audit-2.db']);
    change(here.path('audit-2.db'), "UPDATE detail SET line = 'from before'");
    for (const stranger of ['another-2.db', 'audit-x.db']) writeFileSync(here.path(stranger), '');
    here.remove('views.db');
    const again = await here.caughtUp();
    expect(here.files()).toEqual(['audit-2.db']);
    const { rows } = await again.thread.call('page', again.run.file!, { ...ALL, limit: 1 });
    expect(rows[0]?.line).toBe('from before');
    expect(await again.run.verify(work())).toMatchObject({ generation: 2 });
  });
});
