/** What the service says of its history, beside a second reading of the same log. `SEED` repeats a run. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { TaskManager } from '@taskmanager/client';
import type { HistoryReport, HistorySeal } from '@taskmanager/protocol';
import type { RecordedEvent } from '../src/event-store/index.js';
import { Random } from './crash/random.js';
import { doneJob, endedJob } from './job-done.js';
import { eventsOf } from './log-copy-fixture.js';
import { liveByChance } from './model/random-lives.js';
import { verifyChain } from './model/task-fold.js';
import { type Service, startService } from './service.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

describe(`the history of a service that works (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  let service: Service;
  let client: TaskManager;
  let ids: readonly string[];

  beforeAll(async () => {
    service = await startService();
    const actor = { id: 'ann', roles: ['admin'] };
    client = await TaskManager.connect({ transport: 'tcp', port: service.port, actor });
    ids = await liveByChance(client, [client], random, { tasks: 20, commands: 25 });
  });
  afterAll(async () => {
    await client?.close();
    await service?.close();
  });

  const verify = async (seal?: HistorySeal): Promise<HistoryReport> => {
    const { jobId } = await client.admin.verifyHistory(seal ? { seal } : {});
    return doneJob<'verify_history'>(client, jobId);
  };
  const makeSeal = async (): Promise<HistorySeal> => {
    const { jobId } = await client.admin.sealHistory();
    return doneJob<'seal_history'>(client, jobId);
  };

  it('holds as a whole and for each task, with the events and the head that it has', async () => {
    const streams = byStream(await eventsOf(service.log));
    const report = await verify();
    expect(report).toMatchObject({ ok: true, problems: [], problemCount: 0 });
    expect(report.streams).toBeGreaterThanOrEqual(streams.size);
    for (const id of ids) {
      const events = streams.get(`task-${id}`) ?? [];
      const refusals = streams.get(`refused-${id}`) ?? [];
      expect([...verifyChain(events), ...verifyChain(refusals)]).toEqual([]);
      expect(await client.verifyHistory(id)).toMatchObject({
        taskId: id,
        ok: true,
        events: events.length,
        refusals: refusals.length,
        head: hashOf(events.at(-1)!),
      });
    }
  });

  it('is sealed by the root that anybody can work out from the log', async () => {
    const seal = await makeSeal();
    const covered = (await eventsOf(service.log)).filter(
      ({ position }) => position <= seal.position,
    );
    const leaves = [...byStream(covered)].map(([stream, events]) =>
      JSON.stringify([stream, events.length - 1, hashOf(events.at(-1)!)]),
    );
    expect(seal).toEqual({
      format: 'taskmanager-seal',
      version: 1,
      logId: service.log.logId,
      position: covered.at(-1)!.position,
      events: covered.length,
      streams: leaves.length,
      root: treeHash(leaves).toString('hex'),
      problems: 0,
      at: expect.any(Number),
    });
  });

  it('keeps its seals while commands go on, and while it is verified', async () => {
    const seal = await makeSeal();
    const living = liveByChance(client, [client], random, { tasks: 5, commands: 40 });
    const reports = [await verify(seal), await verify(seal)];
    await living;
    reports.push(await verify(seal));
    for (const report of reports) {
      expect(report).toMatchObject({ ok: true, seal: { ok: true, missingEvents: 0 } });
    }
    expect(reports[2]!.seal!.eventsSince).toBeGreaterThan(5);
    const { logId, position, events, streams } = await makeSeal();
    expect(position > seal.position && logId === seal.logId).toBe(true);
    expect([events > seal.events, streams >= seal.streams + 5]).toEqual([true, true]);
  });

  it('tells of the job how far it came and who asked', async () => {
    const { jobId } = await client.admin.verifyHistory({ id: ids[0]! });
    expect(await endedJob(client, jobId)).toMatchObject({
      kind: 'verify_history',
      state: 'done',
      by: 'ann',
      args: { id: ids[0] },
      result: { ok: true, problems: [] },
    });
  });
});

function byStream(events: readonly RecordedEvent[]): Map<string, RecordedEvent[]> {
  const streams = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
  }
  return streams;
}

const hashOf = ({ metadata }: RecordedEvent): string =>
  (JSON.parse(metadata) as { hash: string }).hash;

const sha256 = (...parts: readonly (Buffer | string)[]): Buffer => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};

/** As RFC 9162 §2.1.1 says it of one leaf or more. */
function treeHash(leaves: readonly string[]): Buffer {
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0]!);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}
