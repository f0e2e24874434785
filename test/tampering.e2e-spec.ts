/**
 * What an attacker with the log's file can do to it, and what is found of it. Each test has tasks of its
 * own and leaves them as they are then: nothing is put back.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { TaskManager } from '@taskmanager/client';
import type { HistoryProblem, HistoryReport, HistorySeal } from '@taskmanager/protocol';
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

  beforeAll(async () => {
    service = await startService();
    const options = { transport: 'tcp', port: service.port, appName: 'app' } as const;
    client = await TaskManager.connect({ ...options, actor: { id: 'ann', roles: ['admin'] } });
    await makeTask();
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
  });
  afterAll(async () => {
    file?.close();
    await client?.close();
    await service?.close();
  });

  /** A whole life in eleven events. */
  async function makeTask(): Promise<string> {
    const id = await client.createTask('a task', 'publish');
    await client.startTask(id);
    for (let n = 1; n < 9; n++) await client.updateTaskProgress(id, n, 10);
    await client.completeTask(id, { result: { amount: 10 } });
    return id;
  }
  /** The name of its stream. */
  const makeStream = async (): Promise<string> => `task-${await makeTask()}`;

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

  /** The whole log, and the one task, say the same of the stream: this event is the first that does not fit. */
  async function expectNamed(stream: string, expected: Partial<HistoryProblem>): Promise<void> {
    const found = await problemsOf(stream);
    expect(found).toEqual([expect.objectContaining({ stream, ...expected })]);
    const taskId = /^(?:task|refused)-(.*)$/.exec(stream)?.[1];
    if (taskId === undefined) return;
    const verdict = await client.verifyHistory(taskId);
    expect(verdict).toMatchObject({ taskId, ok: false });
    expect(ofChain(verdict.problems)).toEqual(found);
    expect(found[0]).toMatchObject({ taskId });
  }

  async function problemsOf(stream: string): Promise<HistoryProblem[]> {
    const { ok, problems } = await verify();
    expect(ok).toBe(false);
    return ofChain(problems).filter((problem) => problem.stream === stream);
  }

  /** Whoever remembers how far a stream went may have something to say of it, too. */
  const ofChain = (problems: readonly HistoryProblem[]): HistoryProblem[] =>
    problems.filter(({ code }) => code !== 'stream_cut');

  const named = ({ revision, id: eventId, type, position }: Row) => ({
    revision,
    eventId,
    type,
    position: `${service.log.logId}:${String(position).padStart(20, '0')}`,
  });

  it('is whole as far as nobody touched it', async () => {
    const id = await makeTask();
    await client.pauseTask(id).catch(() => undefined);
    const head = splitHash(rowsOf(`task-${id}`).at(-1)!.metadata)!.hash;
    const whole = { taskId: id, ok: true, events: 11, refusals: 1, head, problems: [] };
    expect(await client.verifyHistory(id)).toMatchObject(whole);
    expect(await problemsOf(`task-${id}`).catch(() => [])).toEqual([]);
    const seal = await makeSeal();
    expect(await verify(seal)).toMatchObject({
      seal: { ok: true, missingEvents: 0, missingStreams: 0 },
    });
  });

  it.each([
    ['data', 10, (row: Row) => ({ data: row.data.replace('10', '99') })],
    ['metadata', 3, (row: Row) => ({ metadata: row.metadata.replace('ann', 'bob') })],
    ['the first event', 0, (row: Row) => ({ data: row.data.replace('a task', 'a tusk') })],
    [
      'its id',
      4,
      (row: Row) => ({ id: row.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }),
    ],
    ['its type', 5, () => ({ type: 'TaskErrorRecorded' })],
  ])('names the event in which %s was changed', async (_, revision, change) => {
    const stream = await makeStream();
    const row = rowsOf(stream)[revision]!;
    const changed = { ...row, ...change(row) };
    expect(changed).not.toEqual(row);
    write(changed);
    await expectNamed(stream, { code: 'hash_mismatch', ...named(changed) });
  });

  it('names a changed refusal, a changed decision about a type, and an event without its hash', async () => {
    const id = await makeTask();
    await client.pauseTask(id).catch(() => undefined);
    await client.cancelTask(id).catch(() => undefined);
    for (const [stream, code] of [
      [`refused-${id}`, 'hash_mismatch'],
      ['types', 'hash_mismatch'],
      [await makeStream(), 'no_hash'],
    ] as const) {
      const row = rowsOf(stream)[1]!;
      const metadata =
        code === 'no_hash'
          ? row.metadata.replace(/,"hash".*/, '}')
          : row.metadata.replace('ann', 'bob');
      write({ ...row, metadata });
      await expectNamed(stream, { code, ...named(row) });
    }
  });

  it.each([
    ['one', 4, 1],
    ['several', 6, 3],
    ['the first', 0, 1],
  ])('names what was deleted: %s of a stream', async (_, first, count) => {
    const stream = await makeStream();
    const rows = rowsOf(stream);
    const gone = rows.slice(first, first + count);
    for (const { position } of gone) run('DELETE FROM event WHERE position = ?', position);
    const { position } = named(rows[first + count]!);
    await expectNamed(stream, { code: 'missing_event', revision: first, position });
  });

  it('names a deleted event whose gap was closed', async () => {
    const stream = await makeStream();
    const [gone, next] = rowsOf(stream).slice(4) as [Row, Row];
    run('DELETE FROM event WHERE position = ?', gone.position);
    run(
      'UPDATE event SET revision = revision - 1 WHERE stream_id = ? AND revision > 4',
      gone.stream_id,
    );
    await expectNamed(stream, { code: 'hash_mismatch', ...named({ ...next, revision: 4 }) });
  });

  it('names the first of two that were swapped in their stream', async () => {
    const stream = await makeStream();
    const [one, other] = rowsOf(stream).slice(3, 5) as [Row, Row];
    const { position, revision } = one;
    const first = { ...other, position, revision };
    write({ ...one, position: other.position, revision: other.revision });
    write(first);
    await expectNamed(stream, { code: 'hash_mismatch', ...named(first) });
  });

  it('names one of two that were swapped in the log, but not in their stream', async () => {
    const stream = await makeStream();
    const [one, other] = rowsOf(stream).slice(3, 5) as [Row, Row];
    run('DELETE FROM event WHERE position IN (?, ?)', one.position, other.position);
    write({ ...one, position: other.position });
    write({ ...other, position: one.position });
    const misplaced = { code: 'out_of_order', stream };
    expect(await problemsOf(stream)).toMatchObject([
      { ...misplaced, revision: 3, eventId: one.id },
    ]);
    const { problems } = await client.verifyHistory(stream.slice('task-'.length));
    expect(problems).toMatchObject([{ ...misplaced, revision: 4, eventId: other.id }]);
  });

  it('names an inserted event, and the one behind it when its hash was made to fit', async () => {
    const stream = await makeStream();
    const [before, behind] = rowsOf(stream).slice(4, 6) as [Row, Row];
    const id = before.id.replace(/^.{8}/, '00000000');
    const forged = { ...behind, id, data: behind.data.replace('10', '11') };
    shift(behind);
    write(forged);
    await expectNamed(stream, { code: 'hash_mismatch', ...named(forged) });

    write(rehashed(stream, splitHash(before.metadata)!.hash, forged));
    const moved = { ...behind, position: behind.position + 1, revision: behind.revision + 1 };
    await expectNamed(stream, { code: 'hash_mismatch', ...named(moved) });
  });

  it('shows by a seal that a history was rewritten with hashes that fit', async () => {
    const stream = await makeStream();
    const seal = await makeSeal();
    let previous = CHAIN_START;
    for (const row of rowsOf(stream)) {
      const written = rehashed(stream, previous, { ...row, data: row.data.replace('10', '99') });
      write(written);
      previous = splitHash(written.metadata)!.hash;
    }
    expect(await client.verifyHistory(stream.slice('task-'.length))).toMatchObject({ ok: true });
    const report = await verify(seal);
    expect(report.problems).toContainEqual(
      expect.objectContaining({
        code: 'seal_mismatch',
        text: expect.stringContaining('There are as many'),
      }),
    );
    expect(report.seal).toMatchObject({ ok: false, missingEvents: 0, missingStreams: 0 });
  });

  it('shows by a seal that the end of a stream is gone, or a whole stream', async () => {
    const [cut, gone] = [await makeStream(), await makeStream()];
    // The end of the log stays.
    await makeTask();
    const seal = await makeSeal();
    const last = rowsOf(cut).slice(-2);
    for (const { position } of last) run('DELETE FROM event WHERE position = ?', position);
    await expectMissing(seal, 2, 0);

    run('DELETE FROM event WHERE stream_id = ?', rowsOf(gone)[0]!.stream_id);
    run('DELETE FROM stream WHERE name = ?', gone);
    await expectMissing(seal, 13, 1);
  });

  async function expectMissing(
    seal: HistorySeal,
    missingEvents: number,
    missingStreams: number,
  ): Promise<void> {
    const report = await verify(seal);
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'seal_mismatch' }));
    expect(report.seal).toMatchObject({ ok: false, missingEvents, missingStreams });
  }

  it('keeps what a seal says while the log goes on, and tells how much came since', async () => {
    const seal = await makeSeal();
    const id = await makeTask();
    const report = await verify(seal);
    expect(report.seal).toMatchObject({ ok: true });
    expect(report.seal!.eventsSince).toBeGreaterThanOrEqual(11);
    const later = await makeSeal();
    expect(later.events).toBeGreaterThanOrEqual(seal.events + 11);
    expect(later).toMatchObject({ streams: seal.streams + 1, problems: seal.problems });
    expect(later.root).not.toBe(seal.root);
    expect((await verify(later)).seal).toMatchObject({ ok: true });
    expect(await client.verifyHistory(id)).toMatchObject({ ok: true, events: 11 });
  });

  it('refuses what is no seal, or is of another log, and knows no unknown task', async () => {
    const seal = await makeSeal();
    const refused = { code: 'VALIDATION_FAILED' };
    const start = (request: object) => client.admin.verifyHistory(request);
    await expect(start({ seal: { ...seal, root: 'x' } })).rejects.toMatchObject(refused);
    await expect(start({ seal: null })).rejects.toMatchObject(refused);
    await expect(start({ seal, id: crypto.randomUUID() })).rejects.toMatchObject(refused);
    const logId = seal.logId === '00000000' ? '00000001' : '00000000';
    const foreign = { ...seal, logId, position: seal.position.replace(seal.logId, logId) };
    await expect(start({ seal: foreign })).rejects.toThrow('the log was replaced');
    await expect(client.verifyHistory(crypto.randomUUID())).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    });
  });

  // The last: what it takes away is the end of all others, too.
  it('shows by a seal that the end of the log is gone, and where it ends now', async () => {
    const stream = await makeStream();
    const seal = await makeSeal();
    const { position } = rowsOf(stream)[5]!;
    const { changes } = file.prepare('DELETE FROM event WHERE position >= ?').run(position);
    const report = await verify(seal);
    expect(report.problems).toContainEqual(
      expect.objectContaining({
        code: 'log_cut',
        position: seal.position,
        text: expect.stringContaining('The end of the log is gone: it ends at'),
      }),
    );
    expect(report.seal).toMatchObject({ ok: false });
    // Whoever asked may be in the log again, in the place of what is gone.
    const { missingEvents } = report.seal!;
    expect([changes, changes - 1]).toContain(missingEvents);
  });
});

/** The row with the hash that it must have behind this one. */
function rehashed(stream: string, previous: string, row: Row): Row {
  const { metadata } = splitHash(row.metadata)!;
  const { id, type, data } = row;
  const link = { stream, revision: BigInt(row.revision), id, type, version: 1, data, metadata };
  return { ...row, metadata: withHash(metadata, chainHash(previous, link)) };
}
