import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  ANY,
  type AppendExpectedRevision,
  NO_STREAM,
  STREAM_EXISTS,
  UnknownError,
  WrongExpectedVersionError,
  binaryEvent,
  jsonEvent,
} from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import { event, events, typesOf, withServer } from './with-server.js';

const using = withServer();

const append = (stream: string, expectedRevision: AppendExpectedRevision, ...types: string[]) =>
  using.client.appendToStream(stream, events(...types), { expectedRevision });

describe.each([
  ['BatchAppend', false],
  ['Append', true],
])('%s', (method, withoutBatchAppend) => {
  beforeEach(() => using.server.faults.set({ withoutBatchAppend }));

  test('is the method that the client takes', async () => {
    await append('s', ANY, 'A');
    const used = withoutBatchAppend ? 'append' : 'batchAppend';
    expect(using.server.calls.of(used).total).toBe(1);
    expect(Object.keys(using.server.calls.all()).sort()).toEqual([used, 'features'].sort());
  });

  test.each<[AppendExpectedRevision, bigint | 'conflict']>([
    [ANY, 0n],
    [NO_STREAM, 0n],
    [STREAM_EXISTS, 'conflict'],
    [0n, 'conflict'],
  ])('to a stream that is not there, expecting %p: %p', async (expected, outcome) => {
    if (outcome === 'conflict') {
      await expect(append('s', expected, 'A')).rejects.toMatchObject({
        type: 'wrong-expected-version',
        expectedVersion: expected,
        actualVersion: 'no_stream',
        streamName: 's',
      });
    } else {
      expect(await append('s', expected, 'A')).toMatchObject({ nextExpectedRevision: outcome });
    }
  });

  test.each<[AppendExpectedRevision, bigint | 'conflict']>([
    [ANY, 4n],
    [NO_STREAM, 'conflict'],
    [STREAM_EXISTS, 4n],
    [1n, 'conflict'],
    [2n, 4n],
    [3n, 'conflict'],
  ])('of two events to a stream with three, expecting %p: %p', async (expected, outcome) => {
    await append('s', NO_STREAM, 'A', 'B', 'C');
    if (outcome === 'conflict') {
      const refused = append('s', expected, 'D', 'E');
      await expect(refused).rejects.toBeInstanceOf(WrongExpectedVersionError);
      await expect(refused).rejects.toMatchObject({ expectedVersion: expected, actualVersion: 2n });
      expect(await typesOf(using.client.readStream('s'))).toHaveLength(3);
    } else {
      expect(await append('s', expected, 'D', 'E')).toMatchObject({
        success: true,
        nextExpectedRevision: outcome,
      });
    }
  });

  test.each<[AppendExpectedRevision]>([[NO_STREAM], [0n], [ANY], [STREAM_EXISTS]])(
    'of the same ids again, expecting %p, answers what it answered first',
    async (expectedRevision) => {
      if (expectedRevision !== NO_STREAM) await append('s', NO_STREAM, 'before');
      const batch = events('A', 'B');
      const first = await using.client.appendToStream('s', batch, { expectedRevision });
      await append('s', ANY, 'newer');
      const again = await using.client.appendToStream('s', batch, { expectedRevision });
      expect(again).toEqual(first);
      expect(await typesOf(using.client.readStream('s', { fromRevision: 0n }))).toEqual(
        expectedRevision === NO_STREAM ? ['A', 'B', 'newer'] : ['before', 'A', 'B', 'newer'],
      );
    },
  );

  test.each<[AppendExpectedRevision]>([[NO_STREAM], [ANY]])(
    'of ids of which only the first are known, expecting %p, is a conflict',
    async (expectedRevision) => {
      const [a, b] = events('A', 'B');
      await using.client.appendToStream('s', [a!], { expectedRevision: NO_STREAM });
      await expect(
        using.client.appendToStream('s', [a!, b!], { expectedRevision }),
      ).rejects.toBeInstanceOf(WrongExpectedVersionError);
    },
  );

  test('of other ids at a revision that is taken is a conflict', async () => {
    await append('s', NO_STREAM, 'A');
    await expect(append('s', NO_STREAM, 'A')).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  test('of an id that another stream has is a new event', async () => {
    const same = event('A');
    await using.client.appendToStream('one', same);
    expect(await using.client.appendToStream('other', same)).toMatchObject({
      nextExpectedRevision: 0n,
    });
    expect(await typesOf(using.client.readStream('other'))).toEqual(['A']);
  });

  test('of nothing answers where the stream stands', async () => {
    await append('s', ANY, 'A', 'B');
    expect(await append('s', ANY)).toMatchObject({ success: true, nextExpectedRevision: 1n });
  });

  test('of the same revision by many at once has one winner', async () => {
    await append('s', NO_STREAM, 'A');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, number) => append('s', 0n, `by-${number}`)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await typesOf(using.client.readStream('s'))).toHaveLength(2);
  });

  test('above the size limit is refused whole', async () => {
    const half = () => binaryEvent({ type: 'Large', data: new Uint8Array(600 * 1024) });
    await expect(using.client.appendToStream('s', [half(), half()])).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded',
      maxAppendSize: 1024 * 1024,
    });
    await using.client.appendToStream('s', half());
    expect(await typesOf(using.client.readStream('s'))).toEqual(['Large']);
  });

  test('stores data, metadata and id as they were given', async () => {
    const id = randomUUID();
    await using.client.appendToStream('s', [
      jsonEvent({ id, type: 'Json', data: { text: 'Grüße' }, metadata: { by: 'me' } }),
      binaryEvent({ type: 'Bytes', data: Uint8Array.of(0, 1, 255), metadata: Uint8Array.of(7) }),
    ]);
    const read = [];
    for await (const { event } of using.client.readStream('s')) read.push(event);
    expect(read[0]).toMatchObject({
      id,
      streamId: 's',
      type: 'Json',
      data: { text: 'Grüße' },
      metadata: { by: 'me' },
      isJson: true,
      revision: 0n,
    });
    expect(Math.abs(Date.now() - Number(read[0]?.created))).toBeLessThan(60_000);
    expect(read[1]).toMatchObject({ type: 'Bytes', isJson: false, revision: 1n });
    expect([...(read[1]?.data as Uint8Array)]).toEqual([0, 1, 255]);
  });

  test('under positions that rise, with gaps', async () => {
    const positions = [];
    for (const type of ['A', 'B', 'C']) {
      const { position } = await append(`s-${type}`, ANY, type);
      positions.push(position!.commit);
    }
    expect(positions[0]).toBeGreaterThan(0n);
    expect(positions[1]! - positions[0]!).toBeGreaterThan(1n);
    expect(positions[2]! - positions[1]!).toBeGreaterThan(1n);
  });

  test(`of an id that is no UUID is refused by ${method}`, async () => {
    await expect(using.client.appendToStream('s', event('A', 'no-uuid'))).rejects.toBeInstanceOf(
      Error,
    );
    await expect(typesOf(using.client.readStream('s'))).rejects.toMatchObject({
      type: 'stream-not-found',
    });
  });
});

test('BatchAppend splits a large append into frames and writes it as one', async () => {
  const batch = events('A', 'B', 'C', 'D');
  await using.client.appendToStream('s', batch, { batchAppendSize: 150 });
  expect(await typesOf(using.client.readStream('s'))).toEqual(['A', 'B', 'C', 'D']);
});

test('BatchAppend refuses what comes after its deadline', async () => {
  await expect(
    using.client.appendToStream('s', events('A'), { deadline: -1_000 }),
  ).rejects.toMatchObject({ type: 'deadline-exceeded' });
});

test('an error that the client does not know is an unknown error', async () => {
  await expect(using.client.appendToStream('s', event('A', 'no-uuid'))).rejects.toBeInstanceOf(
    UnknownError,
  );
});
