/** `log:copy` between a file and a cluster, against the test server: not a database, see there. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../src/event-store/index.js';
import { SqliteEventLog, SqliteProcessorStore } from '../src/event-store/sqlite/index.js';
import { type OpenedLog, openLog } from '../src/log-copy/open-log.js';
import {
  type SpawnedEventStoreDbServer,
  spawnEventStoreDbServer,
} from './eventstoredb-server/index.js';
import { eventsOf, fill, withoutPositions } from './log-copy-fixture.js';
import {
  type Copying,
  eventsIn,
  killCopies,
  runCopyProgram,
  startCopy,
} from './log-copy-process.js';
import { verifyChain } from './model/task-fold.js';

const folder = mkdtempSync(join(tmpdir(), 'taskmanager-log-copy-'));
const source = join(folder, 'source');
const cluster = join(folder, 'cluster');
const SQLITE = `sqlite:${source}`;
const TO_CLUSTER = ['--from', SQLITE, '--to', 'eventstoredb:'];
let server: SpawnedEventStoreDbServer;
let prefixes = 0;

/** The variables of a log in the cluster that nobody has used yet. */
function unused(): Readonly<Record<string, string>> {
  prefixes += 1;
  return {
    EVENTSTOREDB_URL: server.connectionString,
    EVENTSTOREDB_STREAM_PREFIX: `copy${prefixes}.`,
  };
}

/** Opens the cluster's log in this process; one at a time. */
async function inCluster<T>(
  variables: Readonly<Record<string, string>>,
  work: (opened: OpenedLog) => Promise<T>,
): Promise<T> {
  const name = { kind: 'eventstoredb', url: undefined } as const;
  const opened = await openLog(name, { create: false, variables, tell: () => undefined });
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** How much the server has on disk: it says what was written without being asked. */
const bytesInCluster = () =>
  readdirSync(cluster).reduce((sum, name) => sum + statSync(join(cluster, name)).size, 0);

/** Waits until the copy at work has written some dozens of events, or has ended. */
async function untilSomeWritten(copying: Copying): Promise<void> {
  const before = bytesInCluster();
  while (!copying.isOver() && bytesInCluster() < before + 40_000) await nextTurn();
}

const eventsInCluster = (variables: Readonly<Record<string, string>>) =>
  inCluster(variables, ({ log }) => eventsOf(log));

beforeAll(async () => {
  mkdirSync(cluster);
  server = await spawnEventStoreDbServer({ folder: cluster });
  const opened = await openLog(
    { kind: 'sqlite', path: source },
    { create: true, variables: {}, tell: () => undefined },
  );
  await fill(opened.log, 20, 20);
  await opened.close();
});

afterAll(async () => {
  killCopies();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('From a file to a cluster', () => {
  it('and back all is the same but positions, and every hash chain holds', async () => {
    const variables = unused();
    const there = await runCopyProgram(TO_CLUSTER, variables);
    expect({ code: there.code, errors: there.errors }).toEqual({ code: 0, errors: '' });
    const events = await eventsInCluster(variables);
    expect(withoutPositions(events)).toEqual(await eventsIn(source));
    const streams = new Map<string, RecordedEvent[]>();
    for (const event of events) {
      streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
    }
    expect([...streams.values()].flatMap((each) => verifyChain(each))).toEqual([]);

    const back = join(folder, 'back');
    const args = ['--from', 'eventstoredb:', '--to', `sqlite:${back}`];
    expect((await runCopyProgram(args, variables)).code).toBe(0);
    expect(await eventsIn(back)).toEqual(await eventsIn(source));
  });

  it('it goes on after kill -9, whatever was under way', async () => {
    const variables = unused();
    const whole = await eventsIn(source);
    let there = 0;
    for (let round = 0; round < 3; round++) {
      const copying = startCopy([...TO_CLUSTER, '--in-flight', '8'], variables);
      await untilSomeWritten(copying);
      copying.child.kill('SIGKILL');
      await copying.ended;
      const events = withoutPositions(await eventsInCluster(variables));
      expect(events).toEqual(whole.slice(0, events.length));
      expect(events.length).toBeGreaterThanOrEqual(there);
      there = events.length;
      if (round === 0) {
        expect(there).toBeGreaterThan(0);
        expect(there).toBeLessThan(whole.length);
      }
    }
    expect((await runCopyProgram(TO_CLUSTER, variables)).code).toBe(0);
    expect(withoutPositions(await eventsInCluster(variables))).toEqual(whole);
  });

  it('it waits for a server that is away, and writes nothing twice', async () => {
    const variables = unused();
    const copying = startCopy(TO_CLUSTER, variables);
    for (let restarts = 0; restarts < 2; restarts++) {
      await untilSomeWritten(copying);
      expect(copying.isOver()).toBe(false);
      await server.restart();
    }
    const { code, errors } = await copying.ended;
    expect({ code, errors }).toMatchObject({ code: 0 });
    expect(withoutPositions(await eventsInCluster(variables))).toEqual(await eventsIn(source));
  });

  it('processors stand at the same event', async () => {
    const variables = unused();
    const file = join(source, 'log.db');
    const log = SqliteEventLog.open({ file });
    const events = await eventsOf(log);
    await log.close();
    const store = SqliteProcessorStore.open({ file });
    const [checkpoint, parked] = [events[123]!, events[45]!];
    await store.moveCheckpoint('retry', undefined, checkpoint.position);
    const { stream, position, id: eventId, type } = parked;
    const revision = Number(parked.revision);
    const about = { processor: 'retry', stream, eventId, revision, type };
    const entry = { ...about, error: 'no', attempts: 2, parkedAt: 9, wanted: 'retry' as const };
    await store.park({ ...entry, position });
    await store.setPaused('retry', true);
    await store.close();

    const copied = await runCopyProgram(TO_CLUSTER, variables);
    expect(copied.output).toContain('Processor retry: ');
    await inCluster(variables, async ({ log, processors }) => {
      const there = await eventsOf(log);
      expect(await processors.readCheckpoint('retry')).toBe(there[123]!.position);
      expect(await processors.isPaused('retry')).toBe(true);
      expect(await processors.listParked('retry')).toEqual([
        { ...entry, position: there[45]!.position },
      ]);
    });
  });
});
