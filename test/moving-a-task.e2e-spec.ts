import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import type { ExportedEvent, HistoryEvent } from '@taskmanager/protocol';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { LogAudit } from '../src/log-copy/log-audit.js';
import { CHAIN_START, chainHash, splitHash, withHash } from '../src/events/index.js';
import { eventsOf } from './log-copy-fixture.js';
import { type Service, startService } from './service.js';

/** A task is exported from one service and imported into another one. */
describe('A task that moves to another service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moving-a-task-'));
  let origin: Service;
  let target: Service;
  let from: TaskManager;
  let to: TaskManager;

  beforeAll(async () => {
    origin = await startService({ DATA_DIR: join(folder, 'origin') });
    target = await startService({ DATA_DIR: join(folder, 'target') });
    from = await connect(origin, 'shop');
    to = await connect(target, 'admin');
  });
  afterAll(async () => {
    await Promise.all([from.close(), to.close()]);
    await Promise.all([origin.close(), target.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = ({ port }: Service, appName: string) =>
    TaskManager.connect({ transport: 'tcp', port, appName });

  /** A task that did something, and was refused something. */
  async function lived(progress = 3): Promise<string> {
    const id = await from.createTask('Größe “XL”', 'publish', 'shop', { amount: 1 });
    await from.startTask(id);
    const steps = Array.from({ length: progress }, (_, n) => n + 1);
    await Promise.all(steps.map((n) => from.updateTaskProgress(id, n, progress)));
    await from.pauseTask(id, { reason: 'lunch' });
    await expect(from.pauseTask(id)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    await expect(from.retryTask(id)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    await from.resumeTask(id);
    await from.completeTask(id, { result: { lines: ['a', '\u2028"b"'] } });
    return id;
  }

  async function exported(id: string, client = from): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of client.exportTask(id)) lines.push(line);
    return lines;
  }

  async function history(client: TaskManager, id: string) {
    const events: Omit<HistoryEvent, 'position'>[] = [];
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- positions are each log's own
    for await (const { position, ...event } of client.taskHistory(id)) events.push(event);
    return events;
  }

  const head = () => target.log.head();

  it('is the same there, says where it came from, and nothing but reading is done with it', async () => {
    const id = await lived();
    const lines = await exported(id);
    expect(JSON.parse(lines[0]!)).toEqual({
      ...{ format: 'taskmanager-task', version: 1, taskId: id, taskType: 'publish' },
      ...{ appName: 'shop', logId: origin.log.logId, exportedAt: expect.any(Number) },
    });
    const answer = await to.importTask(lines);
    expect(answer).toEqual({ taskId: id, events: 8, refusals: 2, complete: true });

    const task = await to.getTask(id);
    const { imported, ...same } = task;
    expect(same).toEqual(await from.getTask(id));
    expect(imported).toEqual({ fromLog: origin.log.logId, by: 'admin', at: expect.any(Number) });
    expect(await history(to, id)).toEqual(await history(from, id));
    expect(await to.explainTask(id)).toEqual({
      taskId: id,
      status: 'completed',
      reasons: [{ code: 'imported', by: 'admin', text: expect.stringContaining('read only') }],
    });
    const again = await exported(id, to);
    expect(again.slice(1, -1)).toEqual(lines.slice(1, -1));

    const refusal = { code: 'INVALID_TRANSITION', details: { taskId: id, imported } };
    for (const command of [
      to.cancelTask(id),
      to.deleteTask(id),
      to.retryTask(id, { force: true }),
      to.updateTaskData(id, {}),
      to.startTask(id, { retry: true, commandId: randomUUID() }),
    ]) {
      await expect(command).rejects.toMatchObject(refusal);
    }
    await expect(to.createTask('n', 'publish', 'shop', {}, { id })).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { taskId: id },
    });
    const own = await to.createTask('own', 'publish');
    expect((await to.listTasks()).map(({ id: each }) => each)).toEqual([own]);
    const feed = await to.readEvents({ from: 'start' });
    expect(feed.events.map(({ taskId }) => taskId)).toEqual([own]);
  });

  it('changes nothing when it is imported a second time', async () => {
    const id = await lived();
    const lines = await exported(id);
    await to.importTask(lines);
    const before = await head();
    const answer = await to.importTask(() => lines);
    expect(answer).toEqual({ taskId: id, events: 8, refusals: 2, complete: true, repeated: true });
    expect(await to.importTask(await exported(id, to))).toMatchObject({ repeated: true });
    expect(await head()).toEqual(before);
  });

  it('is taken in pieces that may be sent again, and is seen by nobody before the last', async () => {
    const id = await lived(600);
    const lines = await exported(id);
    const events = lines.slice(1, -1).map((line) => JSON.parse(line) as ExportedEvent);
    expect(events).toHaveLength(607);
    const fromLog = origin.log.logId;
    const send = (start: number, end: number) =>
      to.admin.importTaskEvents({ taskId: id, fromLog, events: events.slice(start, end) });
    const some = { taskId: id, events: 300, refusals: 0, complete: false };
    expect(await send(0, 300)).toEqual(some);
    expect(await send(100, 300)).toEqual(some);
    await expect(send(301, 310)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('revision 300 is due'),
    });
    for (const read of [to.getTask(id), to.explainTask(id), exported(id, to)]) {
      await expect(read).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    }
    await expect(to.cancelTask(id)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    const { events: counted } = JSON.parse(lines.at(-1)!) as { events: number };
    const early = { taskId: id, fromLog, events: [], complete: { events: counted, refusals: 2 } };
    await expect(to.admin.importTaskEvents(early)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await to.importTask(lines)).toEqual({
      ...some,
      events: 605,
      refusals: 2,
      complete: true,
    });
    expect(await history(to, id)).toEqual(await history(from, id));
  });

  it('is refused when it is this log’s own, and when another export of it is here', async () => {
    const id = await from.createTask('n', 'publish');
    const first = await exported(id);
    await expect(from.importTask(first)).rejects.toMatchObject({ code: 'CONFLICT' });
    await to.importTask(first);
    await from.startTask(id);
    const later = await exported(id);
    await expect(to.importTask(later)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('another export of it'),
    });
    expect(await to.getTask(id)).toMatchObject({ status: 'pending', revision: 0 });
  });

  it('can be moved when it was deleted, and is found by its history only', async () => {
    const id = await from.createTask('n', 'publish');
    await from.deleteTask(id);
    await to.importTask(await exported(id));
    await expect(to.getTask(id)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
    const types = ['TaskCreated', 'TaskCancelled', 'TaskDeleted'];
    expect((await history(to, id)).map(({ type }) => type)).toEqual(types);
  });

  describe('in a file that was altered', () => {
    let id: string;
    let whole: string[];
    beforeAll(async () => {
      id = await lived();
      whole = await exported(id);
    });

    /** The file with its footer made to fit, as a careful forger would. */
    function sealed(lines: readonly string[]): string[] {
      const counts = { events: 0, refusals: 0 };
      for (const line of lines.slice(1)) {
        counts[line.includes(`"stream":"task-`) ? 'events' : 'refusals'] += 1;
      }
      const hash = createHash('sha256');
      for (const line of lines) hash.update(`${line}\n`);
      return [...lines, JSON.stringify({ ...counts, sha256: hash.digest('hex') })];
    }
    const without = (at: number) => [...whole.slice(0, at), ...whole.slice(at + 1, -1)];
    const swapped = () => {
      const lines = whole.slice(0, -1);
      [lines[4], lines[5]] = [lines[5]!, lines[4]!];
      return lines;
    };
    const changed = (at: number, what: string | RegExp, by: string) => {
      const lines = whole.slice(0, -1);
      const line = lines[at]!.replace(what, by);
      expect(line).not.toBe(lines[at]);
      lines[at] = line;
      return lines;
    };
    const inserted = () => {
      const event = JSON.parse(whole[4]!) as ExportedEvent;
      const another = JSON.stringify({ ...event, id: randomUUID(), revision: 4 });
      return [...whole.slice(0, 5), another, ...whole.slice(5, -1)];
    };

    const cases: readonly [what: string, lines: () => string[], message: RegExp][] = [
      ['a byte of its data', () => changed(1, 'XL', 'XS'), /TaskCreated .* revision 0/],
      ['a byte of metadata', () => changed(2, 'shop', 'shap'), /TaskStarted .* revision 1/],
      ['an event less', () => without(3), /revision 3\)/],
      ['two events swapped', swapped, /revision 4\)/],
      ['an event more', inserted, /revision 4\)/],
      ['a refusal changed', () => changed(9, 'pause_task', 'reset_task'), /CommandRefused/],
    ];
    it.each(cases)(
      'with %s it is refused, names the event, and leaves nothing',
      async (_, lines, message) => {
        const before = await head();
        const file = sealed(lines());
        await expect(to.importTask(file)).rejects.toMatchObject({
          code: 'VALIDATION_FAILED',
          message: expect.stringMatching(message),
          details: expect.objectContaining({ outcome: 'not_sent' }),
        });
        // The service finds it as well, when a program sends it unseen.
        const events = file.slice(1, -1).map((line) => JSON.parse(line) as ExportedEvent);
        const piece = { taskId: id, fromLog: origin.log.logId, events };
        await expect(to.admin.importTaskEvents(piece)).rejects.toMatchObject({
          code: 'VALIDATION_FAILED',
          message: expect.stringMatching(message),
        });
        expect(await head()).toEqual(before);
      },
    );

    it('with its end cut off, or another footer, it is refused', async () => {
      const before = await head();
      for (const lines of [whole.slice(0, -1), whole.slice(0, 5), [], whole.slice(0, 1)]) {
        await expect(to.importTask(lines)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
      }
      const odd = [...changed(0, '"shop"', '"shap"'), whole.at(-1)!];
      await expect(to.importTask(odd)).rejects.toMatchObject({
        message: expect.stringContaining('digest'),
      });
      expect(await head()).toEqual(before);
    });

    it('does not pass for the same task when another one is here', async () => {
      await to.importTask(whole);
      const events = [JSON.parse(changed(1, 'XL', 'XS')[1]!) as ExportedEvent];
      const piece = { taskId: id, fromLog: origin.log.logId, events };
      await expect(to.admin.importTaskEvents(piece)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringMatching(/TaskCreated .* revision 0/),
      });
    });
  });

  describe('of which somebody has sent a forged piece', () => {
    /** The first event of another life of the task, its hash made to fit. */
    function forged(id: string, lines: readonly string[]): ExportedEvent {
      const event = JSON.parse(lines[1]!) as ExportedEvent;
      const data = event.data.replace('XL', 'XS');
      const metadata = splitHash(event.metadata)!.metadata;
      const link = { ...event, stream: `task-${id}`, revision: 0n, version: 1, data, metadata };
      return { ...event, data, metadata: withHash(metadata, chainHash(CHAIN_START, link)) };
    }

    it('is imported all the same when it is begun anew, and shows nothing of what came before', async () => {
      const id = await lived();
      const lines = await exported(id);
      const piece = { taskId: id, fromLog: origin.log.logId, events: [forged(id, lines)] };
      expect(await to.admin.importTaskEvents(piece)).toMatchObject({ complete: false });
      await expect(to.importTask(lines)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('anew'),
      });
      await expect(to.verifyHistory(id)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
      const audited = async () => {
        const { events, count } = await to.queryAudit({ taskIds: [id], order: 'asc', count: true });
        expect(count).toEqual({ events: events.length, exact: true });
        return events.filter(({ imported }) => imported).map(({ type }) => type);
      };
      expect(await audited()).toEqual([]);
      const { events: all } = await to.queryAudit({ limit: 1_000 });
      expect(all.filter(({ taskId, imported }) => taskId === id && imported)).toEqual([]);

      const answer = { taskId: id, events: 8, refusals: 2, complete: true };
      expect(await to.importTask(() => lines, { anew: true })).toEqual(answer);
      expect(await history(to, id)).toEqual(await history(from, id));
      expect(await to.getTask(id)).toMatchObject({ name: 'Größe “XL”' });
      expect((await exported(id, to)).slice(1, -1)).toEqual(lines.slice(1, -1));
      expect(await to.verifyHistory(id)).toMatchObject({ ok: true, events: 8, refusals: 2 });
      expect(await audited()).toHaveLength(10);
      expect(await to.importTask(lines, { anew: true })).toEqual({ ...answer, repeated: true });
      const imports = await target.log.readStream('imports', { limit: 1_000 });
      const told = imports.filter(({ data }) => data.includes(id)).map(({ type }) => type);
      expect(told).toEqual(['TaskImportBegun', 'TaskImportBegun', 'TaskImported']);
    });
  });

  it('is known to another process on the same log, and after a restart', async () => {
    const id = await lived();
    await to.importTask(await exported(id));
    const other = await startService({ DATA_DIR: target.dataDir });
    const client = await connect(other, 'shop');
    const known = async (task: string) =>
      (await client.getTask(task).catch(() => undefined))?.imported !== undefined;
    const second = await lived();
    expect([await known(id), await known(second)]).toEqual([true, false]);
    await to.importTask(await exported(second));
    const deadline = Date.now() + 5_000;
    while (!(await known(second)) && Date.now() < deadline) await client.readEvents({ waitMs: 50 });
    expect(await known(second)).toBe(true);
    await expect(client.createTask('n', 'publish', 'shop', {}, { id })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await client.close();
    await other.close();
  });

  it('leaves hash chains behind that hold, its own and those of the log', async () => {
    const audit = new LogAudit();
    const events = await eventsOf(target.log);
    for (const event of events) audit.see(event);
    expect(audit.report()).toMatchObject({ brokenLinks: 0, firstProblem: undefined });
    expect(events.some(({ stream }) => stream.startsWith('imported-refused-'))).toBe(true);
    expect(events.some(({ stream }) => stream === 'imports')).toBe(true);
  });

  it('is not there when nobody has it', async () => {
    await expect(exported(v7())).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });
});
