import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LogUnavailable, type LogBatch } from '../src/event-store/index.js';
import {
  EventStoreDbEventLog,
  type EventStoreDbOptions,
} from '../src/event-store/eventstoredb/index.js';
import { idsOf, newEvent, readAllPages } from './contract/event-log-harness.js';
import { optionsFor } from './contract/eventstoredb-harness.js';
import { temporaryFolder } from './contract/temporary-folder.js';
import {
  spawnEventStoreDbServer,
  type SpawnedEventStoreDbServer,
} from './eventstoredb-server/index.js';

describe('The EventStoreDB adapter, when the server stands still or dies', () => {
  let server: SpawnedEventStoreDbServer;
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  let options: EventStoreDbOptions;

  beforeAll(async () => {
    place = await temporaryFolder('server');
    server = await spawnEventStoreDbServer({ folder: place.folder });
    options = { ...optionsFor(server.connectionString), timeoutMs: 1_000 };
  });
  afterAll(async () => {
    await server.close();
    await place.remove();
  });

  it('answers in bounded time while it is frozen, and goes on when it thaws', async () => {
    const log = await EventStoreDbEventLog.open(options);
    const stream = `task-${randomUUID()}`;
    const event = newEvent();
    const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    await batches.next();
    server.freeze();
    const began = performance.now();
    await expect(log.append(stream, 'no_stream', [event])).rejects.toMatchObject({
      outcomeUnknown: true,
    });
    await expect(log.readAll()).rejects.toBeInstanceOf(LogUnavailable);
    expect(performance.now() - began).toBeLessThan(5_000);
    server.thaw();
    // It had arrived: sent again under the same id it is there once.
    expect((await log.append(stream, 'no_stream', [event])).revision).toBe(0n);
    expect(idsOf(await log.readStream(stream))).toEqual([event.id]);
    expect(idsOf(((await batches.next()).value as LogBatch).events)).toEqual([event.id]);
    await batches.return?.();
    await log.close();
  });

  it('has every acknowledged append once, in one order for all readers, through kills', async () => {
    const log = await EventStoreDbEventLog.open({ ...options, timeoutMs: 10_000 });
    const reader = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    const after = ((await reader.next()).value as LogBatch).position;
    const acknowledged = new Set<string>();
    let running = true;
    const writers = Array.from({ length: 8 }, async () => {
      const stream = `task-${randomUUID()}`;
      for (let next = 0n; running; next += 1n) {
        const event = newEvent();
        await log.append(stream, next === 0n ? 'no_stream' : next - 1n, [event]);
        acknowledged.add(event.id);
      }
    });
    for (let round = 0; round < 3; round += 1) {
      const enough = acknowledged.size + 50;
      while (acknowledged.size < enough) await new Promise((resolve) => setImmediate(resolve));
      await server.restart();
    }
    running = false;
    await Promise.all(writers);
    const stored = idsOf(await readAllPages(log, { after }));
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored.toSorted()).toEqual([...acknowledged].sort());
    const seen: string[] = [];
    while (seen.length < stored.length) {
      seen.push(...idsOf(((await reader.next()).value as LogBatch).events));
    }
    expect(seen).toEqual(stored);
    await reader.return?.();
    await log.close();
  });
});
