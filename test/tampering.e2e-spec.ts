/** What an attacker with the log's file can do to it, and what is found of it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { TaskManager } from '@taskmanager/client';
import type {
  HistoryProblem,
  HistoryReport,
  HistorySeal,
  HistoryVerdict,
} from '@taskmanager/protocol';
import Database from '@taskmanager/sqlite-driver';
import { CHAIN_START, chainHash, splitHash, withHash } from '../src/events/index.js';
import { doneJob } from './job-done.js';
import { type Service, startService } from './service.js';

interface Row {
  position: number;
  stream_id: number;
  revision: number;
  id: string;
  type: string;
  data: string;
  metadata: string;
}

describe('a log whose file was tampered with', () => {
  let service: Service;
  let client: TaskManager;
  let file: InstanceType<typeof Database>;
  let seal: HistorySeal;
  const ids: string[] = [];

  beforeAll(async () => {
    service = await startService();
    const options = { transport: 'tcp', port: service.port, appName: 'app' } as const;
    client = await TaskManager.connect({ ...options, actor: { id: 'ann', roles: ['admin'] } });
    for (let n = 0; n < 5; n++) ids.push(await client.createTask(`task ${n}`, 'publish'));
    for (const id of ids) {
      await client.startTask(id);
      for (let n = 1; n < 9; n++) await client.updateTaskProgress(id, n, 10);
      await client.completeTask(id, { result: { amount: 10 } });
      await client.pauseTask(id).catch(() => undefined);
    }
    // Few, for only ten a second are recorded.
    for (const id of ids.slice(0, 2)) await client.cancelTask(id).catch(() => undefined);
    await client.admin.pauseTaskType('publish', 'the disk is full');
    await client.admin.resumeTaskType('publish');
    file = new Database(join(service.dataDir, 'log.db'));
    // As an attacker would: nothing that guards the table stays.
    const guards = file
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
      .pluck()
      .all();
    for (const name of guards) file.exec(`DROP TRIGGER "${name}"`);
    file.pragma('foreign_keys = OFF');
    file.exec('CREATE TEMP TABLE kept_event AS SELECT * FROM event');
    file.exec('CREATE TEMP TABLE kept_stream AS SELECT * FROM stream');
    seal = await makeSeal();
  });
  afterEach(() => {
    file.transaction(() => {
      file.exec('DELETE FROM event; INSERT INTO event SELECT * FROM kept_event');
      file.exec('DELETE FROM stream; INSERT INTO stream SELECT * FROM kept_stream');
    })();
  });
  afterAll(async () => {
    file?.close();
    await client?.close();
    await service?.close();
  });

  const makeSeal = async (): Promise<HistorySeal> => {
    const { jobId } = await client.admin.sealHistory();
    return doneJob<'seal_history'>(client, jobId);
  };
  const verify = async (beside?: HistorySeal): Promise<HistoryReport> => {
    const { jobId } = await client.admin.verifyHistory(beside ? { seal: beside } : {});
    return doneJob<'verify_history'>(client, jobId);
  };

  const rowsOf = (stream: string): Row[] =>
    file
      .prepare<[string], Row>(
        `SELECT event.* FROM event JOIN stream ON stream.id = stream_id
         WHERE name = ? ORDER BY revision`,
      )
      .all(stream);

  const run = (sql: string, ...values: readonly unknown[]): void =>
    void file.prepare(sql).run(...values);
  const write = (row: Row): void =>
    run(
      'INSERT OR REPLACE INTO event VALUES (@position, @stream_id, @revision, @id, @type, @data, @metadata)',
      row,
    );
  /** Makes room: from this position on, and in the stream from this revision on. */
  const shift = ({ position, stream_id, revision }: Row): void => {
    run('UPDATE event SET position = -position - 1 WHERE position >= ?', position);
    run('UPDATE event SET position = -position WHERE position < 0');
    run(
      'UPDATE event SET revision = -revision - 1 WHERE stream_id = ? AND revision >= ?',
      stream_id,
      revision,
    );
    run('UPDATE event SET revision = -revision WHERE revision < 0');
  };

  /** The whole log, and the one task, say the same: exactly this event does not fit. */
  async function expectNamed(stream: string, expected: Partial<HistoryProblem>): Promise<void> {
    const report = await verify();
    expect(report).toMatchObject({ ok: false, problemCount: 1 });
    expect(report.problems).toEqual([expect.objectContaining({ stream, ...expected })]);
    const taskId = /^(?:task|refused)-(.*)$/.exec(stream)?.[1];
    if (taskId === undefined) return;
    expect(report.problems[0]).toMatchObject({ taskId });
    const verdict = await client.verifyHistory(taskId);
    expect(verdict).toMatchObject({ taskId, ok: false });
    expect(verdict.problems).toEqual(report.problems);
    const others = ids.filter((id) => id !== taskId);
    for (const id of others) expect(await client.verifyHistory(id)).toMatchObject({ ok: true });
  }

  const named = ({ revision, id: eventId, type, position }: Row): Partial<HistoryProblem> => ({
    revision,
    eventId,
    type,
    position: `${seal.logId}:${String(position).padStart(20, '0')}`,
  });

  it('is whole before, and so is each task', async () => {
    const report = await verify(seal);
    const rows = file.prepare<[], number>('SELECT count(*) FROM event').pluck().get()!;
    expect(report).toMatchObject({
      ok: true,
      events: rows,
      streams: 11,
      position: seal.position,
      problems: [],
      problemCount: 0,
      seal: { ok: true, eventsSince: 0, missingEvents: 0, missingStreams: 0 },
    });
    expect(seal).toMatchObject({ events: rows, streams: 11, problems: 0 });
    const events = rowsOf(`task-${ids[0]}`);
    expect(await client.verifyHistory(ids[0]!)).toMatchObject({
      taskId: ids[0]!,
      ok: true,
      events: events.length,
      refusals: 2,
      head: splitHash(events.at(-1)!.metadata)!.hash,
      problems: [],
    } satisfies HistoryVerdict);
  });

  it.each([
    ['data', 10, (row: Row) => ({ data: row.data.replace('10', '99') })],
    ['metadata', 3, (row: Row) => ({ metadata: row.metadata.replace('ann', 'bob') })],
    ['the first event', 0, (row: Row) => ({ data: row.data.replace('task', 'tusk') })],
    [
      'its id',
      4,
      (row: Row) => ({ id: row.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }),
    ],
    ['its type', 5, () => ({ type: 'TaskErrorRecorded' })],
  ])('names the event in which %s was changed', async (_, revision, change) => {
    const stream = `task-${ids[2]}`;
    const row = rowsOf(stream)[revision]!;
    const changed = { ...row, ...change(row) };
    expect(changed).not.toEqual(row);
    write(changed);
    await expectNamed(stream, { code: 'hash_mismatch', ...named(changed) });
  });

  it('names a changed refusal, a changed decision about a type, and an event without its hash', async () => {
    for (const [stream, code] of [
      [`refused-${ids[1]}`, 'hash_mismatch'],
      ['types', 'hash_mismatch'],
      [`task-${ids[1]}`, 'no_hash'],
    ] as const) {
      const row = rowsOf(stream)[1]!;
      const metadata =
        code === 'no_hash'
          ? row.metadata.replace(/,"hash".*/, '}')
          : row.metadata.replace('ann', 'bob');
      write({ ...row, metadata });
      await expectNamed(stream, { code, ...named(row) });
      write(row);
    }
  });

  it('names a deleted event, the first of several, and the first of a stream', async () => {
    const stream = `task-${ids[3]}`;
    const rows = rowsOf(stream);
    for (const [first, count] of [
      [4, 1],
      [6, 3],
      [0, 1],
    ] as const) {
      const gone = rows.slice(first, first + count);
      for (const { position } of gone) run('DELETE FROM event WHERE position = ?', position);
      const behind = rows[first + count]!;
      await expectNamed(stream, {
        code: 'missing_event',
        revision: first,
        position: named(behind).position!,
      });
      for (const row of gone) write(row);
    }
  });

  it('names a deleted event whose gap was closed', async () => {
    const stream = `task-${ids[3]}`;
    const [gone, next] = rowsOf(stream).slice(4) as [Row, Row];
    run('DELETE FROM event WHERE position = ?', gone.position);
    run(
      'UPDATE event SET revision = revision - 1 WHERE stream_id = ? AND revision > 4',
      gone.stream_id,
    );
    await expectNamed(stream, { code: 'hash_mismatch', ...named({ ...next, revision: 4 }) });
  });

  it('names the first of two that were swapped, in their stream or only in the log', async () => {
    const stream = `task-${ids[0]}`;
    const [one, other] = rowsOf(stream).slice(3, 5) as [Row, Row];
    const { position, revision } = one;
    write({ ...one, position: other.position, revision: other.revision });
    write({ ...other, position, revision });
    await expectNamed(stream, {
      code: 'hash_mismatch',
      ...named({ ...other, position, revision }),
    });

    run('DELETE FROM event WHERE position IN (?, ?)', one.position, other.position);
    write({ ...one, position: other.position });
    write({ ...other, position });
    const report = await verify();
    expect(report.problems).toEqual([
      expect.objectContaining({ code: 'out_of_order', stream, revision: 3, eventId: one.id }),
    ]);
    const [problem] = (await client.verifyHistory(ids[0]!)).problems;
    expect(problem).toMatchObject({ code: 'out_of_order', revision: 4, eventId: other.id });
  });

  it('names an inserted event, and the one behind it when its hash was made to fit', async () => {
    const stream = `task-${ids[4]}`;
    const [before, behind] = rowsOf(stream).slice(4, 6) as [Row, Row];
    const forged = { ...behind, id: ids[0]!, data: behind.data.replace('10', '11') };
    shift(behind);
    write(forged);
    await expectNamed(stream, { code: 'hash_mismatch', ...named(forged) });

    const fitting = rehashed(stream, splitHash(before.metadata)!.hash, forged);
    write(fitting);
    const moved = { ...behind, position: behind.position + 1, revision: behind.revision + 1 };
    await expectNamed(stream, { code: 'hash_mismatch', ...named(moved) });
  });

  it('shows by a seal that a history was rewritten with hashes that fit', async () => {
    const stream = `task-${ids[1]}`;
    let previous = CHAIN_START;
    for (const row of rowsOf(stream)) {
      const written = rehashed(stream, previous, { ...row, data: row.data.replace('10', '99') });
      write(written);
      previous = splitHash(written.metadata)!.hash;
    }
    expect(await verify()).toMatchObject({ ok: true });
    expect(await verify(seal)).toMatchObject({
      ok: false,
      problems: [{ code: 'seal_mismatch', text: expect.stringContaining('There are as many') }],
      seal: { ok: false, eventsSince: 0, missingEvents: 0, missingStreams: 0 },
    });
  });

  it('shows by a seal that the end of a stream is gone, or a whole stream', async () => {
    const last = rowsOf(`task-${ids[0]}`).slice(-2);
    for (const { position } of last) run('DELETE FROM event WHERE position = ?', position);
    await expectMissing(2, 0);

    const stream = `task-${ids[1]}`;
    const gone = rowsOf(stream);
    run('DELETE FROM event WHERE stream_id = ?', gone[0]!.stream_id);
    run('DELETE FROM stream WHERE name = ?', stream);
    await expectMissing(2 + gone.length, 1);
  });

  async function expectMissing(missingEvents: number, missingStreams: number): Promise<void> {
    const report = await verify(seal);
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'seal_mismatch' }));
    const counts = { ok: false, eventsSince: 0, missingEvents, missingStreams };
    expect(report).toMatchObject({ ok: false, seal: counts });
  }

  it('shows by a seal that the end of the log is gone, and where it ends now', async () => {
    const cut = rowsOf(`task-${ids[4]}`)[5]!;
    const gone = file
      .prepare<[number], number>('SELECT count(*) FROM event WHERE position >= ?')
      .pluck()
      .get(cut.position)!;
    run('DELETE FROM event WHERE position >= ?', cut.position);
    const report = await verify(seal);
    const end = named({ ...cut, position: cut.position - 1 }).position;
    expect(report.problems).toContainEqual(
      expect.objectContaining({ code: 'log_cut', text: expect.stringContaining(`ends at ${end}`) }),
    );
    expect(report).toMatchObject({ ok: false, seal: { ok: false, missingEvents: gone } });
  });

  it('shows by a seal that the log is empty now', async () => {
    run('DELETE FROM event');
    expect(await verify(seal)).toMatchObject({
      ok: false,
      events: 0,
      problems: [{ code: 'log_cut', text: expect.stringContaining('it is empty') }],
      seal: { missingEvents: seal.events, missingStreams: seal.streams },
    });
    await expect(makeSeal()).rejects.toThrow('The log is empty');
  });

  it('keeps what a seal says while the log goes on, and tells how much came since', async () => {
    const id = await client.createTask('since', 'publish');
    await client.startTask(id);
    const report = await verify(seal);
    expect(report).toMatchObject({ ok: true, seal: { ok: true, eventsSince: 2 } });
    const later = await makeSeal();
    expect(later).toMatchObject({ events: seal.events + 2, streams: seal.streams + 1 });
    expect(later.root).not.toBe(seal.root);
    expect(await verify(later)).toMatchObject({ ok: true, seal: { eventsSince: 0 } });
    expect(await client.verifyHistory(id)).toMatchObject({ ok: true, events: 2 });
  });

  it('refuses what is no seal, or is of another log, and knows no unknown task', async () => {
    const refused = { code: 'VALIDATION_FAILED' };
    const start = (request: object) => client.admin.verifyHistory(request);
    await expect(start({ seal: { ...seal, root: 'x' } })).rejects.toMatchObject(refused);
    await expect(start({ seal: null })).rejects.toMatchObject(refused);
    await expect(start({ seal, id: ids[0] })).rejects.toMatchObject(refused);
    const logId = seal.logId === '00000000' ? '00000001' : '00000000';
    const foreign = { ...seal, logId, position: seal.position.replace(seal.logId, logId) };
    await expect(start({ seal: foreign })).rejects.toThrow('the log was replaced');
    await expect(client.verifyHistory(crypto.randomUUID())).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    });
  });
});

/** The row with the hash that it must have behind this one. */
function rehashed(stream: string, previous: string, row: Row): Row {
  const { metadata } = splitHash(row.metadata)!;
  const { id, type, data } = row;
  const link = { stream, revision: BigInt(row.revision), id, type, version: 1, data, metadata };
  return { ...row, metadata: withHash(metadata, chainHash(previous, link)) };
}
