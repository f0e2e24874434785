import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { offsetOf } from '@taskmanager/protocol';
import { AuditFolder, change, EVENTS, work } from './audit-folder.fixture.js';

let here: AuditFolder;
beforeEach(async () => {
  here = await AuditFolder.filled();
});
afterEach(() => here.close());

describe('verifying the audit', () => {
  it('finds nothing where nothing differs', async () => {
    const { run } = await here.caughtUp();
    expect(await run.verify(work())).toMatchObject({
      projection: 'audit',
      generation: 1,
      ok: true,
      rows: EVENTS,
      position: await here.audit.log.head(),
      differences: [],
    });
  });

  it('names rows that are missing, too many, or say something else', async () => {
    const { run } = await here.caughtUp();
    const [missing, changed] = [here.audit.written[500]!, here.audit.written[900]!];
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
    const { run } = await here.caughtUp();
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
    const { run, thread } = await here.caughtUp();
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
    const long = here.audit.written.filter(({ position }) => offsetOf(position) < 200n).length;
    expect(report).toMatchObject({ ok: false, rows: EVENTS, differenceCount: long + many });
    expect(JSON.stringify(report).length).toBeLessThan(300_000);
    const compared = call.mock.calls.filter(([method]) => method === 'compare');
    // Three pages of the log, and what lies behind it in pieces.
    expect(compared.length).toBeGreaterThanOrEqual(5);
    call.mockRestore();
  });
});

describe('trying the audit on history', () => {
  it('looks at what is there when it begins, whatever comes meanwhile', async () => {
    const { run } = await here.caughtUp();
    const end = await here.audit.log.head();
    let adding: Promise<void> | undefined;
    const trial = await run.dryRun(
      work(() => (adding ??= here.audit.fill(1_000))),
      {},
    );
    expect(trial).toMatchObject({ ok: true, events: EVENTS, position: end });
    await adding;
  });

  it('compares a stretch that ends where the audit is, and leaves nothing behind', async () => {
    const { run } = await here.caughtUp();
    const before = readdirSync(here.path('.')).sort();
    const tasks = new Set(here.audit.written.map(({ taskId }) => taskId)).size;
    const whole = await run.dryRun(work(), {});
    expect(whole).toMatchObject({ ok: true, events: EVENTS, tasks, differenceCount: 0 });
    change(run.file!, "UPDATE detail SET line = 'wrong' WHERE offset IN (7, 7700)");
    const from = here.audit.written[999]!.position;
    expect(await run.dryRun(work(), { from })).toMatchObject({ events: 200, differenceCount: 1 });
    const to = here.audit.written[99]!.position;
    expect(await run.dryRun(work(), { to })).toMatchObject({
      events: 100,
      position: to,
      ok: true,
    });
    expect(readdirSync(here.path('.')).sort()).toEqual(before);
  });
});
