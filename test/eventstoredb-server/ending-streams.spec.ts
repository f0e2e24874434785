import { describe, expect, test } from '@jest/globals';
import {
  ANY,
  BACKWARDS,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { once } from 'node:events';
import { events, typesOf, withServer } from './with-server.js';

const using = withServer();
const append = (...types: string[]) => using.client.appendToStream('s', events(...types));
const types = (direction?: typeof BACKWARDS) =>
  typesOf(using.client.readStream('s', direction ? { direction, fromRevision: 'end' } : {}));

describe('a deleted stream', () => {
  test('is not found', async () => {
    await append('A', 'B');
    await using.client.deleteStream('s', { expectedRevision: 1n });
    await expect(types()).rejects.toMatchObject({ type: 'stream-not-found' });
    await expect(types(BACKWARDS)).rejects.toMatchObject({ type: 'stream-not-found' });
  });

  test('stands in $all still', async () => {
    await append('A');
    await using.client.deleteStream('s');
    expect(await typesOf(using.client.readAll())).toEqual(expect.arrayContaining(['A']));
  });

  test.each([NO_STREAM, ANY, 1n] as const)(
    'begins anew where it ended, expecting %p',
    async (expectedRevision) => {
      await append('A', 'B');
      await using.client.deleteStream('s');
      expect(
        await using.client.appendToStream('s', events('C'), { expectedRevision }),
      ).toMatchObject({ nextExpectedRevision: 2n });
      expect(await types()).toEqual(['C']);
      expect(await types(BACKWARDS)).toEqual(['C']);
    },
  );

  test('does not exist for who expects that it does', async () => {
    await append('A');
    await using.client.deleteStream('s');
    await expect(
      using.client.appendToStream('s', events('B'), { expectedRevision: STREAM_EXISTS }),
    ).rejects.toBeInstanceOf(WrongExpectedVersionError);
  });

  test('keeps who subscribed to it waiting for what comes', async () => {
    await append('A');
    await using.client.deleteStream('s');
    const subscription = using.client.subscribeToStream('s');
    const first = once(subscription, 'data');
    await append('B');
    expect(await first).toMatchObject([{ event: { type: 'B', revision: 1n } }]);
    await subscription.unsubscribe();
  });
});

test.each([
  ['at another revision', 5n],
  ['that should not be there', NO_STREAM],
] as const)('a stream %s is not deleted', async (_name, expectedRevision) => {
  await append('A');
  await expect(using.client.deleteStream('s', { expectedRevision })).rejects.toMatchObject({
    type: 'wrong-expected-version',
    streamName: 's',
    actualVersion: 0n,
  });
  await expect(using.client.tombstoneStream('s', { expectedRevision })).rejects.toMatchObject({
    type: 'wrong-expected-version',
  });
  expect(await types()).toEqual(['A']);
});

test('a stream that never was cannot be deleted, but tombstoned', async () => {
  await expect(using.client.deleteStream('s')).rejects.toMatchObject({
    type: 'wrong-expected-version',
    actualVersion: 'no_stream',
  });
  await using.client.tombstoneStream('s');
  await expect(append('A')).rejects.toBeInstanceOf(StreamDeletedError);
});

describe('a tombstoned stream', () => {
  test('can neither be read, nor written, nor deleted, nor described', async () => {
    await append('A');
    await using.client.tombstoneStream('s');
    const deleted = { type: 'stream-deleted', streamName: 's' };
    await expect(append('B')).rejects.toMatchObject(deleted);
    await expect(types()).rejects.toMatchObject(deleted);
    await expect(using.client.deleteStream('s')).rejects.toMatchObject(deleted);
    await expect(using.client.tombstoneStream('s')).rejects.toMatchObject(deleted);
    await expect(using.client.setStreamMetadata('s', { maxCount: 1 })).rejects.toMatchObject({
      type: 'stream-deleted',
    });
  });

  test('fails who subscribes, and who has subscribed', async () => {
    await append('A');
    const before = using.client.subscribeToStream('s');
    await once(before.resume(), 'caughtUp');
    const [failed] = [once(before, 'error')];
    await using.client.tombstoneStream('s');
    expect(await failed).toMatchObject([{ type: 'stream-deleted' }]);
    const after = using.client.subscribeToStream('s').resume();
    expect(await once(after, 'error')).toMatchObject([{ type: 'stream-deleted' }]);
  });

  test('ends in $all with an event of the highest revision', async () => {
    await append('A');
    await using.client.tombstoneStream('s');
    const last = [];
    const options = { direction: BACKWARDS, fromPosition: 'end', maxCount: 1 } as const;
    for await (const { event } of using.client.readAll(options)) last.push(event);
    expect(last).toMatchObject([{ type: '$streamDeleted', revision: 2n ** 63n - 1n }]);
  });
});

describe('the metadata of a stream', () => {
  test('are read as they were written', async () => {
    await using.client.setStreamMetadata('s', { maxCount: 3, truncateBefore: 1, colour: 'red' });
    expect(await using.client.getStreamMetadata('s')).toMatchObject({
      metadata: { maxCount: 3, truncateBefore: 1, colour: 'red' },
    });
  });

  test('limit it to the last events', async () => {
    await append('A', 'B', 'C', 'D');
    await using.client.setStreamMetadata('s', { maxCount: 2 });
    expect(await types()).toEqual(['C', 'D']);
    expect(await types(BACKWARDS)).toEqual(['D', 'C']);
    await append('E');
    expect(await types()).toEqual(['D', 'E']);
  });

  test('hide what is before a revision', async () => {
    await append('A', 'B', 'C');
    await using.client.setStreamMetadata('s', { truncateBefore: 2 });
    expect(await types()).toEqual(['C']);
    await using.client.setStreamMetadata('s', { truncateBefore: 9 });
    expect(await types()).toEqual([]);
    expect(await append('D')).toMatchObject({ nextExpectedRevision: 3n });
  });

  test('hide what is too old', async () => {
    await append('A', 'B');
    await using.client.setStreamMetadata('s', { maxAge: 3_600 });
    expect(await types()).toEqual(['A', 'B']);
    await using.client.setStreamMetadata('s', { maxAge: -1 });
    expect(await types()).toEqual([]);
  });

  test('outlive that it is deleted and begun anew, but for what was hidden', async () => {
    await using.client.setStreamMetadata('s', { maxCount: 2, colour: 'red' });
    await append('A', 'B');
    await using.client.deleteStream('s');
    await append('C', 'D', 'E');
    expect(await using.client.getStreamMetadata('s')).toMatchObject({
      metadata: { maxCount: 2, colour: 'red', truncateBefore: 2 },
    });
    expect(await types()).toEqual(['D', 'E']);
  });
});
