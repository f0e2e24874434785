import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { LogUnavailable, RevisionConflict, type LogBatch } from '../src/event-store/index.js';
import {
  EventStoreDbEventLog,
  EventStoreDbProcessorStore,
  type EventStoreDbOptions,
} from '../src/event-store/eventstoredb/index.js';
import { batchesUntil, idsOf, newEvent, newEvents } from './contract/event-log-harness.js';
import { optionsFor } from './contract/eventstoredb-harness.js';
import { EventStoreDbServer } from './eventstoredb-server/index.js';

/** The numbers are those of the client's defects; each test shows that its guard holds. */
describe('The EventStoreDB adapter, whatever its client does', () => {
  let server: EventStoreDbServer;
  let options: EventStoreDbOptions;
  let log: EventStoreDbEventLog;
  const newStream = () => `task-${randomUUID()}`;

  beforeEach(async () => {
    server = await EventStoreDbServer.start();
    options = { ...optionsFor(server.connectionString), timeoutMs: 2_000 };
    log = await EventStoreDbEventLog.open(options);
  });
  afterEach(async () => {
    await log.close();
    await server.close();
  });

  it.each([
    'not JSON',
    '',
    'null',
    '0',
    '"x"',
    '{"a":1.0}',
    '{"__proto__":1}',
    '[1, 2]',
    '\u001e{}',
  ])(
    '1: never hands it text that it cannot serialise, and gives back %j as it was',
    async (text) => {
      const [stream, event] = [newStream(), { ...newEvent(), data: text, metadata: text }];
      await log.append(stream, 'no_stream', [event]);
      expect(await log.readStream(stream)).toMatchObject([event]);
      const { events } = await log.readAll();
      expect(events).toMatchObject([event]);
    },
  );

  it('2: asks again for an append whose answer was lost, and has it once', async () => {
    const [stream, events] = [newStream(), newEvents(3)];
    server.faults.set({ appends: { kind: 'lose-answer', times: 1 } });
    expect(await log.append(stream, 'no_stream', events)).toMatchObject({
      revision: 2n,
      repeated: false,
    });
    expect(idsOf(await log.readStream(stream))).toEqual(idsOf(events));
  });

  it('2: gives up an append and a read that are never answered, and says what is unknown', async () => {
    server.faults.set({ appends: { kind: 'drop' }, reads: { kind: 'drop' } });
    const began = performance.now();
    const unknown = { code: 'LOG_UNAVAILABLE', outcomeUnknown: true };
    const known = { code: 'LOG_UNAVAILABLE', outcomeUnknown: false };
    await Promise.all([
      expect(log.append(newStream(), 'no_stream', [newEvent()])).rejects.toMatchObject(unknown),
      expect(log.readStream(newStream())).rejects.toMatchObject(known),
      expect(log.head()).rejects.toMatchObject(known),
      expect(log.health()).rejects.toBeInstanceOf(LogUnavailable),
    ]);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('3: has one client for all that is open in the process', async () => {
    const others = await Promise.all([
      EventStoreDbEventLog.open(options),
      EventStoreDbEventLog.open({ ...options, streamPrefix: 'other.' }),
      EventStoreDbProcessorStore.open(options),
    ]);
    await Promise.all(others.slice(0, 2).map((other) => appendTo(other as EventStoreDbEventLog)));
    await others[2].setPaused('p', true);
    expect(server.calls.of('batchAppend')).toEqual({ open: 1, total: 1 });
    expect(server.calls.of('features').total).toBe(1);
    await Promise.all(others.map((other) => other.close()));
    await appendTo(log);
    expect(server.calls.of('batchAppend')).toEqual({ open: 1, total: 1 });
  });

  it('3: outlives an answer that comes after another stream’s error has emptied the table', async () => {
    const elsewhere = await EventStoreDbServer.start();
    const other = await EventStoreDbEventLog.open(optionsFor(elsewhere.connectionString));
    try {
      const [stream, event] = [newStream(), newEvent()];
      server.faults.set({ appends: { kind: 'delay-answer', milliseconds: 300, times: 1 } });
      const slow = log.append(stream, 'no_stream', [event]);
      await other.health();
      elsewhere.faults.failBatchAppends({ status: 'INTERNAL' });
      expect(await slow).toMatchObject({ revision: 0n, repeated: false });
      expect(await log.readStream(stream)).toHaveLength(1);
      // The late answer has come by the time that a later one has.
      server.faults.set({ appends: { kind: 'delay-answer', milliseconds: 400, times: 1 } });
      await log.append(stream, 0n, [newEvent()]);
    } finally {
      await other.close();
      await elsewhere.close();
    }
  });

  it.each([
    ['an internal error', { kind: 'fail', status: 'INTERNAL', times: 1 }],
    ['a denied permission', { kind: 'fail', status: 'PERMISSION_DENIED', times: 1 }],
  ] as const)(
    '4: throws the client away that keeps %s as its answer to all appends',
    async (_, features) => {
      await reconnected();
      server.faults.set({ features });
      expect(await log.append(newStream(), 'no_stream', [newEvent()])).toMatchObject({
        revision: 0n,
      });
      await log.health();
    },
  );

  it('4: throws the client away whose discovery has failed once', async () => {
    const url = server.connectionString.replace('esdb:', 'esdb+discover:');
    const discovering = await EventStoreDbEventLog.open({ ...optionsFor(url), timeoutMs: 2_000 });
    try {
      await reconnected();
      server.faults.set({ gossip: { kind: 'fail', status: 'UNAVAILABLE' } });
      const away = { code: 'LOG_UNAVAILABLE' };
      await expect(appendTo(discovering)).rejects.toMatchObject(away);
      await expect(appendTo(discovering)).rejects.toMatchObject(away);
      server.faults.clear();
      await appendTo(discovering);
      await discovering.health();
    } finally {
      await discovering.close();
    }
  });

  it('5 and 10: tells the real revision of a conflict, in its fields and in words', async () => {
    const stream = newStream();
    await log.append(stream, 'no_stream', newEvents(5));
    const conflict = await log.append(stream, 2n, [newEvent()]).catch((error: unknown) => error);
    expect(conflict).toBeInstanceOf(RevisionConflict);
    expect(conflict).toMatchObject({ expected: 2n, actual: 4n, stream });
    expect((conflict as Error).message).toBe(`Stream ${stream} is at 4, expected 2.`);
  });

  it('6: takes the bare error of the first call of a connection for a passing one', async () => {
    const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    await batches.next();
    await reconnected();
    await server.calls.until((calls) => calls.of('subscribe').open === 1);
    const { total } = server.calls.of('subscribe');
    server.faults.set({ features: { kind: 'fail', status: 'UNAVAILABLE', times: 1 } });
    expect(await log.append(newStream(), 'no_stream', [newEvent()])).toMatchObject({
      repeated: false,
    });
    // The client is the same, and what it was doing goes on.
    expect(server.calls.of('subscribe').total).toBe(total);
    await batches.return?.();
  });

  it('7: refuses ids that are no UUIDs before anything is sent', async () => {
    for (const id of ['1', randomUUID().toUpperCase(), `{${randomUUID()}}`]) {
      const refused = log.append(newStream(), 'any', [newEvent(), { ...newEvent(), id }]);
      await expect(refused).rejects.toBeInstanceOf(TypeError);
    }
  });

  it('8: leaves no call open behind reads and subscriptions that were left in the middle', async () => {
    const stream = newStream();
    await log.append(stream, 'no_stream', newEvents(400));
    for (let n = 0; n < 150; n += 1) {
      await log.readAll({ limit: 1 + (n % 7) });
      for await (const { events } of log.subscribe({ from: 'start', batchSize: 3 })) {
        if (events.length > 0) break;
      }
    }
    expect(await log.readStream(stream)).toHaveLength(400);
    expect(server.calls.of('subscribe').open).toBeLessThan(20);
    await log.close();
    await server.calls.until((calls) => calls.of('subscribe').open + calls.of('read').open === 0);
  });

  it('9: gives out no position before everything up to it was handed over', async () => {
    const foreign = EventStoreDBClient.connectionString(server.connectionString);
    const small = { ...options, searchWindow: 5, streamPrefix: 'mixed.' };
    const mixed = await EventStoreDbEventLog.open(small);
    try {
      const [mine, noise] = [newEvents(60), () => jsonEvent({ type: 'N', data: { n: 1 } })];
      for (const [n, event] of mine.entries()) {
        await mixed.append(newStream(), 'no_stream', [event]);
        await foreign.appendToStream('noise', Array.from({ length: n % 13 }, noise));
      }
      const { batches } = await batchesUntil(
        mixed,
        { from: 'start', batchSize: 7 },
        (all) => all.at(-1)!.caughtUp,
      );
      const seen: string[] = [];
      for (const { events, position } of batches) {
        seen.push(...idsOf(events));
        const rest = await mixed.readAll({ after: position! });
        expect([...seen, ...idsOf(rest.events)]).toEqual(idsOf(mine));
      }
    } finally {
      await mixed.close();
      await foreign.dispose();
    }
  });

  it.each([
    ['an error', (of: EventStoreDbServer) => of.faults.failSubscriptions({ status: 'UNKNOWN' })],
    ['its end', (of: EventStoreDbServer) => of.faults.endSubscriptions()],
    ['being too slow', (of: EventStoreDbServer) => of.faults.failSubscriptionsAsTooSlow()],
    ['a restart', (of: EventStoreDbServer) => of.restart()],
  ] as const)(
    '8 and 11: goes on after %s of the subscription as if nothing was',
    async (_, cut) => {
      const batches = log.subscribe({ from: 'now' })[Symbol.asyncIterator]();
      await batches.next();
      const events = newEvents(40);
      const seen: string[] = [];
      for (const [n, event] of events.entries()) {
        if (n % 10 === 5) await cut(server);
        await log.append(newStream(), 'no_stream', [event]);
        if (n % 3 === 0) seen.push(...idsOf(((await batches.next()).value as LogBatch).events));
      }
      while (seen.length < events.length) {
        seen.push(...idsOf(((await batches.next()).value as LogBatch).events));
      }
      expect(seen).toEqual(idsOf(events));
      await batches.return?.();
      expect(server.calls.of('subscribe').open).toBeLessThanOrEqual(1);
    },
  );

  it('12: answers every append that was under way when it is closed', async () => {
    const closing = await EventStoreDbEventLog.open(options);
    server.faults.set({ appends: { kind: 'delay-answer', milliseconds: 50 } });
    const appends = Array.from({ length: 20 }, () => appendTo(closing));
    await log.close();
    await closing.close();
    for (const { revision } of await Promise.all(appends)) expect(revision).toBe(0n);
  });

  it('13: waits for the members of a cluster for seconds, and says in the end what was wrong', async () => {
    server.faults.set({ gossip: { kind: 'drop' } });
    const url = server.connectionString.replace('esdb:', 'esdb+discover:');
    const opening = EventStoreDbEventLog.open({
      ...optionsFor(url),
      startTimeoutMs: 0,
      timeoutMs: 500,
    });
    await expect(opening).rejects.toThrow(/EventStoreDB at 127\.0\.0\.1:\d+: no answer within/);
  });

  it('14: sends everything over one call, the events of an append together', async () => {
    await Promise.all(Array.from({ length: 50 }, () => appendTo(log)));
    await log.append(newStream(), 'no_stream', newEvents(500));
    expect(server.calls.of('batchAppend').total).toBe(1);
    expect(server.calls.of('append').total).toBe(0);
  });

  async function appendTo(to: EventStoreDbEventLog) {
    return to.append(newStream(), 'no_stream', [newEvent()]);
  }

  /** The client has noticed that its connection was cut, so that its next call begins anew. */
  async function reconnected(): Promise<void> {
    await server.restart();
    await log.readStream(newStream());
  }
});
