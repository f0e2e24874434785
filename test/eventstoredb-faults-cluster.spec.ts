import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { formatPosition } from '@taskmanager/protocol';
import { LogOverloaded, LogUnavailable, type LogBatch } from '../src/event-store/index.js';
import {
  EventStoreDbEventLog,
  EventStoreDbProcessorStore,
  type EventStoreDbOptions,
} from '../src/event-store/eventstoredb/index.js';
import {
  batchesUntil,
  idsOf,
  newEvent,
  newEvents,
  readAllPages,
} from './contract/event-log-harness.js';
import { optionsFor } from './contract/eventstoredb-harness.js';
import { EventStoreDbServer } from './eventstoredb-server/index.js';

describe('The EventStoreDB adapter in a cluster', () => {
  let server: EventStoreDbServer;
  let bare: EventStoreDBClient;
  let options: EventStoreDbOptions;
  let log: EventStoreDbEventLog;
  const newStream = () => `task-${randomUUID()}`;
  const noise = (count: number) =>
    Array.from({ length: count }, (_, n) => jsonEvent({ type: 'Noise', data: { n } }));

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    bare = EventStoreDBClient.connectionString(server.connectionString);
    options = { ...optionsFor(server.connectionString), timeoutMs: 2_000 };
    log = await EventStoreDbEventLog.open(options);
  });
  afterEach(async () => {
    await log.close();
    await bare.dispose();
    await server.close();
  });

  it('shows nothing of other programs and nothing that it keeps for itself', async () => {
    const store = await EventStoreDbProcessorStore.open(options);
    await store.moveCheckpoint('p', undefined, formatPosition(log.logId, 1));
    await store.acquireLease('p', 'me', 1_000, 1);
    await log.writeSnapshot('task-1', { revision: 1n, version: 1, state: '{}' });
    await log.health();
    await bare.appendToStream('orders-1', noise(30));
    expect(await log.head()).toBeUndefined();
    expect(await log.readAll()).toEqual({ events: [], position: undefined, end: true });
    const event = newEvent();
    const { position } = await log.append('task-1', 'no_stream', [event]);
    await bare.appendToStream('orders-1', noise(30));
    await log.health();
    expect(await log.head()).toBe(position);
    expect(idsOf(await readAllPages(log))).toEqual([event.id]);
    const { events } = await batchesUntil(log, { from: 'start' }, (all) => all.at(-1)!.caughtUp);
    expect(events).toEqual([{ ...event, stream: 'task-1', revision: 0n, position }]);
    await store.close();
  });

  it('keeps two logs with two prefixes apart, each with its own id', async () => {
    const second = await EventStoreDbEventLog.open({ ...options, streamPrefix: 'second.' });
    const [a, b] = [newEvent(), newEvent()];
    await log.append('task-1', 'no_stream', [a]);
    await second.append('task-1', 'no_stream', [b]);
    expect(second.logId).not.toBe(log.logId);
    expect(idsOf((await log.readAll()).events)).toEqual([a.id]);
    expect(idsOf((await second.readAll()).events)).toEqual([b.id]);
    await second.close();
  });

  it('stores what other programs can read: JSON under the event’s own id and type', async () => {
    const event = { ...newEvent('TaskStarted', { n: 1 }), metadata: '{"$correlationId":"c"}' };
    await log.append('task-1', 'no_stream', [event]);
    const stream = `${options.streamPrefix}task-1`;
    for await (const { event: stored } of bare.readStream(stream)) {
      expect(stored).toMatchObject({ id: event.id, type: 'TaskStarted', isJson: true });
      expect(stored).toMatchObject({ data: { n: 1 }, metadata: { $correlationId: 'c' } });
    }
  });

  it.each(['a live', 'a silent'])(
    'answers repeated what another process has written a moment before, with %s subscription',
    async (kind) => {
      if (kind === 'a silent') server.faults.set({ subscriptions: { kind: 'drop' } });
      const mine = await EventStoreDbEventLog.open({ ...options, streamPrefix: 'mine.' });
      await mine.append('task-1', 'no_stream', [newEvent()]);
      const event = newEvent('TaskStarted', { by: 'me' });
      const theirs = { id: event.id, type: event.type, data: { by: 'them' }, metadata: {} };
      await bare.appendToStream('mine.task-1', jsonEvent(theirs), { expectedRevision: 0n });
      expect(await mine.append('task-1', 0n, [event])).toMatchObject({
        revision: 1n,
        repeated: true,
      });
      await mine.close();
    },
  );

  it('confirms what it appended by reading it when the subscription says nothing', async () => {
    server.faults.set({ subscriptions: { kind: 'drop' } });
    const silent = await EventStoreDbEventLog.open({ ...options, streamPrefix: 'silent.' });
    const [stream, events] = [newStream(), newEvents(2)];
    const answer = await silent.append(stream, 'no_stream', events);
    expect(answer).toMatchObject({ revision: 1n, repeated: false });
    expect(await silent.append(stream, 'no_stream', events)).toEqual({ ...answer, repeated: true });
    await silent.close();
  });

  it('costs no read for an append', async () => {
    const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    await batches.next();
    const before = server.calls.of('read').total;
    for (let n = 0; n < 100; n += 1) await log.append(newStream(), 'no_stream', [newEvent()]);
    expect(server.calls.of('read').total - before).toBeLessThanOrEqual(2);
    await batches.return?.();
  });

  it('costs no read either when the subscription has fallen behind', async () => {
    server.faults.set({ subscriptions: { kind: 'slow', milliseconds: 2 } });
    const slow = await EventStoreDbEventLog.open({ ...options, streamPrefix: 'slow.' });
    const batches = slow.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    await batches.next();
    const before = server.calls.of('read').total;
    const append = () => slow.append(newStream(), 'no_stream', [newEvent()]);
    const answers = await Promise.all(Array.from({ length: 100 }, append));
    expect(answers.filter(({ repeated }) => repeated)).toEqual([]);
    expect(server.calls.of('read').total - before).toBeLessThanOrEqual(2);
    await batches.return?.();
    await slow.close();
  });

  it('moves its position while only others write, to a place that all processes reach', async () => {
    const small = {
      ...options,
      streamPrefix: 'moving.',
      searchWindow: 10,
      checkpointsBeforeMark: 2,
    };
    const moving = await EventStoreDbEventLog.open(small);
    const { position } = await moving.append('task-1', 'no_stream', [newEvent()]);
    const batches = moving.subscribe({ from: position })[Symbol.asyncIterator]();
    expect(((await batches.next()).value as LogBatch).position).toBe(position);
    const next = batches.next();
    await bare.appendToStream('orders', noise(500));
    const batch = (await next).value as LogBatch;
    expect(batch).toMatchObject({ events: [], caughtUp: true });
    expect(batch.position! > position).toBe(true);
    expect(await moving.head()).toBe(batch.position);
    const event = newEvent();
    await moving.append('task-1', 0n, [event]);
    expect(idsOf((await moving.readAll({ after: batch.position! })).events)).toEqual([event.id]);
    await batches.return?.();
    await moving.close();
  });

  it('waits through an absence of the log and goes on by itself', async () => {
    const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    await batches.next();
    const next = batches.next();
    await server.stop();
    const away = { code: 'LOG_UNAVAILABLE' };
    await Promise.all([
      expect(log.append(newStream(), 'no_stream', [newEvent()])).rejects.toMatchObject(away),
      expect(log.readAll()).rejects.toMatchObject(away),
      expect(log.health()).rejects.toMatchObject(away),
    ]);
    // One that begins while it is away waits too, and is ended when its reader has had enough.
    const abort = new AbortController();
    const late = log.subscribe({ from: 'start', signal: abort.signal })[Symbol.asyncIterator]();
    const waiting = late.next();
    abort.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await server.restart();
    const event = newEvent();
    await log.append(newStream(), 'no_stream', [event]);
    expect(idsOf(((await next).value as LogBatch).events)).toEqual([event.id]);
    await batches.return?.();
  });

  it('waits for a log that is away at the start, telling why, but not for ever', async () => {
    const elsewhere = await EventStoreDbServer.start();
    await elsewhere.stop();
    const told: string[] = [];
    const patient = { ...optionsFor(elsewhere.connectionString), timeoutMs: 300 };
    const opening = EventStoreDbEventLog.open(patient, (reason) => {
      told.push(reason);
      void elsewhere.restart();
    });
    const opened = await opening;
    expect(told).toEqual([expect.stringMatching(/ECONNREFUSED/)]);
    await opened.close();
    await elsewhere.stop();
    const impatient = { ...patient, streamPrefix: 'x.', startTimeoutMs: 0 };
    await expect(EventStoreDbEventLog.open(impatient)).rejects.toThrow(LogUnavailable);
    await elsewhere.close();
  });

  it('is not healthy when it can read but not append', async () => {
    server.faults.set({ appends: { kind: 'refuse', error: 'access-denied' } });
    await expect(log.health()).rejects.toThrow(/denies access/);
    await log.readAll();
    server.faults.clear();
    await log.health();
  });

  it('refuses at once what waits beyond its limits, and sends nothing of it', async () => {
    const narrow = await EventStoreDbEventLog.open({
      ...optionsFor(`${server.connectionString}&connectionName=narrow`),
      ...{ timeoutMs: 400, maxAppends: 2, maxQueued: 3 },
    });
    server.faults.set({ appends: { kind: 'drop' } });
    const attempts = Array.from({ length: 10 }, () =>
      narrow.append(newStream(), 'no_stream', [newEvent()]).catch((error: unknown) => error),
    );
    const errors = await Promise.all(attempts);
    const overloaded = errors.filter((error) => error instanceof LogOverloaded);
    expect(overloaded).toHaveLength(5);
    expect(errors.filter((error) => (error as LogUnavailable).outcomeUnknown)).toHaveLength(2);
    await narrow.close();
  });

  it('follows the leader when the node it asked is none', async () => {
    const { port } = server;
    const follower = await EventStoreDbServer.start();
    follower.faults.set({ notLeader: { host: '127.0.0.1', port } });
    const redirected = await EventStoreDbEventLog.open(optionsFor(follower.connectionString));
    await redirected.append('task-1', 'no_stream', [newEvent()]);
    await redirected.health();
    await redirected.close();
    await follower.close();
  });

  it('moves a checkpoint once although the answer to it was lost', async () => {
    const store = await EventStoreDbProcessorStore.open(options);
    const [first, second] = [formatPosition(log.logId, 1), formatPosition(log.logId, 2)];
    await store.moveCheckpoint('p', undefined, first);
    server.faults.set({ appends: { kind: 'lose-answer', times: 1 } });
    expect(await store.moveCheckpoint('p', first, second)).toBe(true);
    expect(await store.moveCheckpoint('p', first, second)).toBe(false);
    expect(await store.readCheckpoint('p')).toBe(second);
    await store.close();
  });
});
