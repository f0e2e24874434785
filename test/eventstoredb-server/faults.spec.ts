import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  ANY,
  NO_STREAM,
  START,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from '@eventstore/db-client';
import { once } from 'node:events';
import { event, events, typesOf, withServer } from './with-server.js';

const using = withServer();
const read = (stream = 's') => typesOf(using.client.readStream(stream));

/** True if the promise is still open after the server has answered something that was sent later. */
async function isUnanswered(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  void promise.then(settle, settle);
  await using.client.appendToStream('later', events('Later'));
  return !settled;
}

/** An append that will fail when the client is disposed of. */
function appendUnanswered(stream: string, type: string): Promise<unknown> {
  const append = using.client.appendToStream(stream, event(type));
  append.catch(() => undefined);
  return append;
}

describe('appends', () => {
  test('that are dropped are neither written nor answered', async () => {
    using.server.faults.set({ appends: { kind: 'drop', stream: 's' } });
    expect(await isUnanswered(appendUnanswered('s', 'A'))).toBe(true);
    await expect(read()).rejects.toMatchObject({ type: 'stream-not-found' });
  });

  test('whose answer is lost are written, and repeated are answered', async () => {
    using.server.faults.set({ appends: { kind: 'lose-answer', times: 1, stream: 's' } });
    const same = event('A');
    const options = { expectedRevision: NO_STREAM } as const;
    const lost = using.client.appendToStream('s', same, options);
    lost.catch(() => undefined);
    expect(await isUnanswered(lost)).toBe(true);
    expect(await read()).toEqual(['A']);
    expect(await using.client.appendToStream('s', same, options)).toMatchObject({
      success: true,
      nextExpectedRevision: 0n,
    });
    expect(await read()).toEqual(['A']);
  });

  test('that are delayed are written late', async () => {
    using.server.faults.set({ appends: { kind: 'delay', milliseconds: 300, stream: 's' } });
    const late = using.client.appendToStream('s', events('A'));
    expect(await isUnanswered(late)).toBe(true);
    await expect(read()).rejects.toMatchObject({ type: 'stream-not-found' });
    await late;
    expect(await read()).toEqual(['A']);
  });

  test('that are answered late are written at once', async () => {
    using.server.faults.set({ appends: { kind: 'delay-answer', milliseconds: 300, stream: 's' } });
    const late = using.client.appendToStream('s', events('A'));
    expect(await isUnanswered(late)).toBe(true);
    expect(await read()).toEqual(['A']);
    await late;
  });

  test.each([
    ['timeout', 'deadline-exceeded'],
    ['access-denied', 'access-denied'],
    ['unknown', 'unknown'],
    ['not-ready', 'unknown'],
  ] as const)('that are refused with %s fail alone, as %s', async (error, type) => {
    using.server.faults.set({ appends: { kind: 'refuse', error, times: 1, written: true } });
    await expect(using.client.appendToStream('s', events('A'))).rejects.toMatchObject({ type });
    expect(await read()).toEqual(['A']);
    await using.client.appendToStream('s', events('B'));
    expect(using.server.calls.of('batchAppend').total).toBe(1);
  });

  test.each([
    ['timeout', 'timeout'],
    ['access-denied', 'access-denied'],
    ['not-ready', 'unavailable'],
  ] as const)('one by one, that are refused with %s fail as %s', async (error, type) => {
    using.server.faults.set({
      withoutBatchAppend: true,
      appends: { kind: 'refuse', error, times: 1 },
    });
    await expect(using.client.appendToStream('s', events('A'))).rejects.toMatchObject({ type });
    await using.client.appendToStream('s', events('A'));
  });

  test('that fail take with them all that is in flight', async () => {
    using.server.faults.set({ appends: { kind: 'drop', stream: 'dropped' } });
    const dropped = using.client.appendToStream('dropped', events('A'));
    const failed = expect(dropped).rejects.toBeInstanceOf(UnavailableError);
    using.server.faults.set({ appends: { kind: 'fail', status: 'UNAVAILABLE', times: 1 } });
    await expect(using.client.appendToStream('s', events('A'))).rejects.toBeInstanceOf(
      UnavailableError,
    );
    await failed;
    await using.client.appendToStream('s', events('B'));
    expect(await read()).toEqual(['B']);
  });

  test('can fail after they were written', async () => {
    const fault = { kind: 'fail', status: 'UNAVAILABLE', times: 1, written: true } as const;
    using.server.faults.set({ appends: fault });
    await expect(using.client.appendToStream('s', events('A'))).rejects.toBeInstanceOf(Error);
    expect(await read()).toEqual(['A']);
  });

  test('in flight fail when the call that carries them does', async () => {
    using.server.faults.set({ appends: { kind: 'lose-answer', stream: 's' } });
    const lost = using.client.appendToStream('s', events('A'));
    const failed = expect(lost).rejects.toMatchObject({ type: 'unavailable' });
    await isUnanswered(lost.catch(() => undefined));
    using.server.faults.failBatchAppends({ status: 'UNAVAILABLE' });
    await failed;
    expect(await read()).toEqual(['A']);
  });
});

describe('deletions', () => {
  test('meet the faults of appends', async () => {
    await using.client.appendToStream('s', events('A'));
    using.server.faults.set({ appends: { kind: 'refuse', error: 'timeout', times: 1 } });
    await expect(using.client.deleteStream('s')).rejects.toBeInstanceOf(TimeoutError);
    using.server.faults.set({ appends: { kind: 'drop', times: 1 } });
    await expect(using.client.deleteStream('s', { deadline: 200 })).rejects.toMatchObject({
      type: 'deadline-exceeded',
    });
    expect(await read()).toEqual(['A']);
  });
});

describe('reads', () => {
  beforeEach(() => using.client.appendToStream('s', events('A', 'B', 'C')));

  test('that are dropped say nothing until they are cancelled', async () => {
    using.server.faults.set({ reads: { kind: 'drop' } });
    const stream = using.client.readStream('s');
    stream.resume();
    await using.server.calls.until((calls) => calls.of('read').open === 1);
    expect(await isUnanswered(once(stream, 'data'))).toBe(true);
    await stream.cancel();
    await using.server.calls.until((calls) => calls.of('read').open === 0);
  });

  test('that are delayed or slow come whole', async () => {
    using.server.faults.set({ reads: { kind: 'delay', milliseconds: 50 } });
    expect(await read()).toEqual(['A', 'B', 'C']);
    using.server.faults.set({ reads: { kind: 'slow', milliseconds: 100 } });
    const began = Date.now();
    expect(await read()).toEqual(['A', 'B', 'C']);
    expect(Date.now() - began).toBeGreaterThanOrEqual(290);
  });

  test('fail at once, or after some events', async () => {
    using.server.faults.set({ reads: { kind: 'fail', status: 'UNAVAILABLE', times: 1 } });
    await expect(read()).rejects.toBeInstanceOf(UnavailableError);
    using.server.faults.set({ reads: { kind: 'fail', status: 'ABORTED', events: 2 } });
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const { event } of using.client.readStream('s')) seen.push(event!.type);
      })(),
    ).rejects.toBeInstanceOf(TimeoutError);
    expect(seen).toEqual(['A', 'B']);
  });

  test('that are open fail on demand', async () => {
    using.server.faults.set({ reads: { kind: 'drop' } });
    const stream = using.client.readStream('s').resume();
    await using.server.calls.until((calls) => calls.of('read').open === 1);
    const failed = once(stream, 'error');
    using.server.faults.failReads({ status: 'UNAVAILABLE' });
    expect(await failed).toMatchObject([{ type: 'unavailable' }]);
  });
});

describe('subscriptions', () => {
  test('end without an error', async () => {
    const subscription = using.client.subscribeToAll({ fromPosition: START });
    await once(subscription.resume(), 'caughtUp');
    const ended = once(subscription, 'end');
    using.server.faults.endSubscriptions();
    await ended;
    expect(using.server.calls.of('subscribe').open).toBe(0);
  });

  test.each([
    ['UNAVAILABLE', 'unavailable'],
    ['CANCELLED', 'cancelled'],
  ] as const)('fail with %s', async (status, type) => {
    const subscription = using.client.subscribeToAll({ fromPosition: START });
    await once(subscription.resume(), 'caughtUp');
    const failed = once(subscription, 'error');
    using.server.faults.failSubscriptions({ status });
    expect(await failed).toMatchObject([{ type }]);
    expect(using.server.calls.of('subscribe').open).toBe(0);
  });

  test('are dropped as too slow', async () => {
    const subscription = using.client.subscribeToStream('s');
    await once(subscription.resume(), 'caughtUp');
    const failed = once(subscription, 'error');
    using.server.faults.failSubscriptionsAsTooSlow();
    expect(await failed).toMatchObject([{ type: 'timeout' }]);
  });

  test('are refused, or fail after some events', async () => {
    await using.client.appendToStream('s', events('A', 'B'));
    const fault = { kind: 'fail', status: 'UNAVAILABLE', times: 1 } as const;
    using.server.faults.set({ subscriptions: fault });
    const refused = using.client.subscribeToStream('s').resume();
    expect(await once(refused, 'error')).toMatchObject([{ type: 'unavailable' }]);
    using.server.faults.set({ subscriptions: { ...fault, events: 1 } });
    const seen: unknown[] = [];
    const broken = using.client.subscribeToStream('s');
    broken.on('data', ({ event }: { event?: { type: string } }) => seen.push(event?.type));
    await once(broken, 'error');
    expect(seen).toEqual(['A']);
  });
});

describe('the features', () => {
  test('fail, and with them the append that asked', async () => {
    using.server.faults.set({ features: { kind: 'fail', status: 'UNAVAILABLE', times: 1 } });
    await expect(using.client.appendToStream('s', events('A'))).rejects.toMatchObject({ code: 14 });
    await using.client.appendToStream('s', events('A'));
    expect(using.server.calls.of('features')).toEqual({ open: 0, total: 2 });
  });

  test('that fail in another way spoil the client for ever', async () => {
    using.server.faults.set({ features: { kind: 'fail', status: 'INTERNAL', times: 1 } });
    const append = () => using.client.appendToStream('s', events('A'));
    await expect(append()).rejects.toThrow();
    await expect(append()).rejects.toThrow();
    expect(using.server.calls.of('features').total).toBe(1);
  });

  test('are dropped or delayed', async () => {
    using.server.faults.set({ features: { kind: 'delay', milliseconds: 50, times: 1 } });
    await using.client.appendToStream('s', events('A'));
    expect(await read()).toEqual(['A']);
  });
});

describe('stopping', () => {
  test('hard cuts the connections, and the store is there again at the same port', async () => {
    await using.client.appendToStream('s', events('A'));
    const subscription = using.client.subscribeToAll({ fromPosition: START });
    await once(subscription.resume(), 'caughtUp');
    const failed = once(subscription, 'error');
    const { port } = using.server;
    await using.server.stop();
    expect(await failed).toMatchObject([{ type: 'unavailable' }]);
    await using.server.restart();
    expect(using.server.port).toBe(port);
    expect(using.server.calls.of('subscribe').open).toBe(0);
    expect(using.server.calls.of('batchAppend').open).toBe(0);
    await appendUntilDone();
    expect(await read()).toEqual(['A', 'B']);
  });

  test('gracefully answers what is in flight and ends subscriptions', async () => {
    await using.client.appendToStream('s', events('A'));
    const subscription = using.client.subscribeToAll({ fromPosition: START });
    await once(subscription.resume(), 'caughtUp');
    const ended = once(subscription, 'end');
    using.server.faults.set({ appends: { kind: 'delay-answer', milliseconds: 200, stream: 's' } });
    const inFlight = using.client.appendToStream('s', events('C'));
    await isUnanswered(inFlight);
    await using.server.shutdown();
    await ended;
    expect(await inFlight).toMatchObject({ nextExpectedRevision: 1n });
    using.server.faults.clear();
    await using.server.restart();
    expect(await read()).toEqual(['A', 'C']);
  });

  test('a cut of all connections leaves it listening', async () => {
    await using.client.appendToStream('s', events('A'));
    using.server.faults.set({ appends: { kind: 'drop', stream: 's', times: 1 } });
    const dropped = using.client.appendToStream('s', events('B'));
    const failed = expect(dropped).rejects.toBeInstanceOf(UnavailableError);
    await isUnanswered(dropped.catch(() => undefined));
    using.server.cutConnections();
    await failed;
    await appendUntilDone();
    expect(await read()).toEqual(['A', 'B']);
  });

  /** The first call after a cut may still find the old connection. */
  async function appendUntilDone(): Promise<void> {
    const same = event('B');
    for (let attempt = 1; ; attempt += 1) {
      try {
        await using.client.appendToStream('s', same, { expectedRevision: 0n });
        return;
      } catch (error) {
        if (attempt === 20) throw error;
      }
    }
  }
});

test('clear switches all faults off, and a fault that is set anew counts anew', async () => {
  using.server.faults.set({
    appends: { kind: 'fail', status: 'UNAVAILABLE' },
    reads: { kind: 'fail', status: 'UNAVAILABLE' },
    withoutBatchAppend: true,
  });
  using.server.faults.clear();
  await using.client.appendToStream('s', events('A'), { expectedRevision: ANY });
  expect(await read()).toEqual(['A']);
  expect(using.server.calls.of('batchAppend').total).toBe(1);
  for (let round = 1; round <= 2; round += 1) {
    using.server.faults.set({ reads: { kind: 'fail', status: 'ABORTED', times: 1 } });
    await expect(read()).rejects.toBeInstanceOf(TimeoutError);
    expect(await read()).toEqual(['A']);
  }
  using.server.faults.set({ appends: { kind: 'refuse', error: 'unknown', stream: 'x-' } });
  await using.client.appendToStream('s', events('B'));
  await expect(using.client.appendToStream('x-1', events('B'))).rejects.toBeInstanceOf(
    UnknownError,
  );
});
