import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import SqliteDatabase from '@taskmanager/sqlite-driver';
import { temporaryFolder } from '../../../test/contract/temporary-folder.js';
import type { ParkedEvent } from '../processor-store.port.js';
import { LogFile } from './log-file.js';
import { numberPragma } from './schema.js';
import { SqliteEventLog } from './sqlite-event-log.js';
import { SqliteProcessorStore } from './sqlite-processor-store.js';

const newEvent = (chars = 10) => ({
  id: randomUUID(),
  type: 'T',
  data: JSON.stringify('x'.repeat(chars)),
  metadata: '{}',
});
/** Fails by itself: the table takes no event without a processor. */
const UNFIT = {
  ...{ processor: null, stream: 's', position: '', eventId: '', revision: 0, error: '' },
  ...{ attempts: 1, parkedAt: 0 },
} as unknown as ParkedEvent;
const REFUSED = { code: 'LOG_UNAVAILABLE', outcomeUnknown: false };

describe('a log that cannot be written', () => {
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  let file: LogFile;
  let log: SqliteEventLog;
  let commits: number;
  beforeEach(async () => {
    place = await temporaryFolder('log.db');
    file = LogFile.open({ file: place.file, busyLimitMs: 300, maxQueuedWrites: 50 });
    commits = 0;
    file.queue.observe(() => (commits += 1));
    log = new SqliteEventLog(file);
    await log.append('before', 'no_stream', [newEvent()]);
  });
  afterEach(async () => {
    await log.close();
    await place.remove();
  });

  it('refuses appends and health while the disk is full, goes on reading, and heals by itself', async () => {
    const limit = numberPragma(file.db, 'max_page_count');
    file.db.pragma(`max_page_count = ${numberPragma(file.db, 'page_count')}`);
    await expect(log.append('large', 'no_stream', [newEvent(100_000)])).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringMatching(/full/),
    });
    await expect(log.health()).rejects.toMatchObject(REFUSED);
    const both = await Promise.allSettled([
      log.append('small', 'no_stream', [newEvent()]),
      log.append('large', 'no_stream', [newEvent(), newEvent(100_000)]),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await log.readStream('before')).toHaveLength(1);

    file.db.pragma(`max_page_count = ${limit}`);
    await log.health();
    expect(await log.readStream('large')).toEqual([]);
    expect((await log.append('large', 'no_stream', [newEvent(100_000)])).revision).toBe(0n);
    expect((await log.append('small', 'no_stream', [newEvent()])).revision).toBe(0n);
    expect((await log.append('before', 0n, [newEvent()])).revision).toBe(1n);
    expect((await log.readAll()).events.map(({ stream }) => stream)).toEqual([
      'before',
      'large',
      'small',
      'before',
    ]);
  });

  it('forgets all of a failed append, even when another process fills exactly its place', async () => {
    const limit = numberPragma(file.db, 'max_page_count');
    file.db.pragma(`max_page_count = ${numberPragma(file.db, 'page_count')}`);
    await expect(log.append('lost', 'no_stream', [newEvent(100_000)])).rejects.toMatchObject(
      REFUSED,
    );
    file.db.pragma(`max_page_count = ${limit}`);
    const other = SqliteEventLog.open({ file: place.file });
    await other.append('others', 'no_stream', [newEvent()]);
    expect((await log.append('lost', 'no_stream', [newEvent()])).revision).toBe(0n);
    expect((await log.readStream('others')).length).toBe(1);
    await other.close();
  });

  it('tells subscribers nothing of an append that failed', async () => {
    const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    await batches.next();
    const limit = numberPragma(file.db, 'max_page_count');
    file.db.pragma(`max_page_count = ${numberPragma(file.db, 'page_count')}`);
    const many = [newEvent(), newEvent(100_000)];
    await expect(log.append('lost', 'no_stream', many)).rejects.toMatchObject(REFUSED);
    file.db.pragma(`max_page_count = ${limit}`);
    const event = newEvent();
    const { position } = await log.append('kept', 'no_stream', [event]);
    const kept = { ...event, stream: 'kept', revision: 0n, position };
    expect((await batches.next()).value).toEqual({ events: [kept], position, caughtUp: true });
    for await (const { events } of log.subscribe({ from: 'start' })) {
      expect(events.map(({ stream }) => stream)).toEqual(['before', 'kept']);
      break;
    }
    await batches.return?.();
  });

  it('leaves no transaction open behind a write that failed', async () => {
    const poison = file.queue.run('park', [UNFIT]);
    await expect(poison).rejects.toMatchObject(REFUSED);
    expect(file.db.inTransaction).toBe(false);
  });

  it('waits without holding the event loop while another process writes, then goes on', async () => {
    const other = new SqliteDatabase(place.file);
    other.exec('BEGIN IMMEDIATE');
    const appended = log.append('waits', 'no_stream', [newEvent()]);
    const turned = new Promise((resolve) => setTimeout(resolve, 50, 'the loop turned'));
    expect(await Promise.race([appended, turned])).toBe('the loop turned');
    expect(await log.readStream('before')).toHaveLength(1);
    other.exec('COMMIT');
    other.close();
    expect((await appended).revision).toBe(0n);
  });

  it('gives up past its limit while another process holds the file, and heals when it lets go', async () => {
    const other = new SqliteDatabase(place.file);
    other.exec('BEGIN IMMEDIATE');
    const began = performance.now();
    await expect(log.append('late', 'no_stream', [newEvent()])).rejects.toMatchObject(REFUSED);
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(commits).toBe(1);
    other.exec('ROLLBACK');
    other.close();
    expect((await log.append('late', 'no_stream', [newEvent()])).revision).toBe(0n);
  });

  it('refuses at once what the queue has no room for, and takes all it has promised', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => log.append(`many-${n}`, 'no_stream', [newEvent()])),
    );
    expect(results.map(({ status }) => status)).toEqual([
      ...Array<string>(50).fill('fulfilled'),
      ...Array<string>(10).fill('rejected'),
    ]);
    expect(results[59]).toMatchObject({ reason: { ...REFUSED, code: 'LOG_OVERLOADED' } });
    expect((await log.readAll()).events).toHaveLength(51);
  });

  it('lets a write that fails for a reason of its own disturb nobody in the same flush', async () => {
    const poison = file.queue.run('park', [UNFIT]);
    const results = await Promise.allSettled([
      log.append('good-1', 'no_stream', [newEvent()]),
      poison,
      log.append('good-2', 'no_stream', [newEvent()]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const positions = (await log.readAll()).events.map(({ position }) => position.slice(-2));
    expect(positions).toEqual(['01', '02', '03']);
  });

  it('commits appends that are in flight together once, with the writes of the processor store', async () => {
    const processors = new SqliteProcessorStore(file);
    const { position } = await log.append('s', 'no_stream', [newEvent()]);
    const before = commits;
    await Promise.all([
      ...Array.from({ length: 40 }, (_, n) => log.append(`s-${n}`, 'no_stream', [newEvent()])),
      processors.moveCheckpoint('p', undefined, position),
      log.writeSnapshot('s', { revision: 0n, version: 1, state: '{}' }),
    ]);
    expect(commits).toBe(before + 1);
    await processors.close();
    expect((await log.append('s', 0n, [newEvent()])).revision).toBe(1n);
  });
});
