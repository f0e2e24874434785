import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStore } from './event-store.js';
import { LogFile } from './log-file.js';
import { RecentIds } from './recent-ids.js';
import { type ProposedEvent, type RecordedEvent } from './recorded-event.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventstoredb-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const proposed = (): ProposedEvent => ({
  id: randomUUID(),
  type: 'T',
  contentType: 'application/json',
  data: Buffer.from('{}'),
  metadata: Buffer.alloc(0),
});

test('appends that come during a flush share the next one', async () => {
  const { file } = await LogFile.open(folder);
  const store = await EventStore.open(file);
  const before = file.flushes;
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => store.append(`s-${n}`, 'any', [proposed()])),
  );
  expect(file.flushes - before).toBeLessThanOrEqual(2);
  await store.close();
});

test('an event is not seen before it is flushed, and a repetition of it waits for the flush', async () => {
  const { file } = await LogFile.open(folder);
  const store = await EventStore.open(file);
  const before = store.log.committed;
  const event = proposed();
  const first = store.append('s', 'no_stream', [event]);
  const again = store.append('s', 'no_stream', [event]);
  expect(store.log.committed).toBe(before);
  expect(store.stream('s')?.lastVisible(store.log.committed)).toBe(-1);
  expect(await again).toEqual(await first);
  expect(store.log.committed).toBe(before + 1);
  expect(store.stream('s')?.lastVisible(store.log.committed)).toBe(0);
  await store.close();
});

test('a flush that fails is no acknowledgement', async () => {
  const { file } = await LogFile.open(folder);
  const store = await EventStore.open(file);
  await store.close();
  await expect(store.append('s', 'any', [proposed()])).rejects.toThrow();
});

test('ids are forgotten, the oldest first, when there is no room for more', () => {
  const ids = new RecentIds(3 * 38);
  const recorded = (id: string, stream = 's'): RecordedEvent => ({
    ...proposed(),
    id,
    stream,
    revision: 0n,
    position: 0,
    index: 0,
    created: 0,
  });
  for (const id of ['1', '2', '3', '2', '4']) ids.add(recorded(id));
  expect(['1', '2', '3', '4'].map((id) => ids.find(id, 's') !== undefined)).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect(ids.find('4', 'other')).toBeUndefined();
});
