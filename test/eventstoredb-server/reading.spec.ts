import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  BACKWARDS,
  END,
  FORWARDS,
  type ReadRevision,
  START,
  jsonEvent,
} from '@eventstore/db-client';
import { once } from 'node:events';
import { endOfLog, events, typesOf, withServer } from './with-server.js';

const using = withServer();

describe('a stream', () => {
  beforeEach(async () => {
    await using.client.appendToStream('s', events('A', 'B', 'C', 'D'));
    await using.client.appendToStream('other', events('X'));
  });

  test.each<[ReadRevision, number, string[]]>([
    [START, 100, ['A', 'B', 'C', 'D']],
    [START, 2, ['A', 'B']],
    [1n, 100, ['B', 'C', 'D']],
    [3n, 100, ['D']],
    [4n, 100, []],
    [END, 100, []],
  ])('forwards from %p, at most %p: %p', async (fromRevision, maxCount, expected) => {
    const options = { fromRevision, maxCount };
    expect(await typesOf(using.client.readStream('s', options))).toEqual(expected);
  });

  test.each<[ReadRevision, number, string[]]>([
    [END, 100, ['D', 'C', 'B', 'A']],
    [END, 1, ['D']],
    [2n, 100, ['C', 'B', 'A']],
    [2n, 2, ['C', 'B']],
    [99n, 1, ['D']],
    [START, 100, ['A']],
  ])('backwards from %p, at most %p: %p', async (fromRevision, maxCount, expected) => {
    const options = { direction: BACKWARDS, fromRevision, maxCount } as const;
    expect(await typesOf(using.client.readStream('s', options))).toEqual(expected);
  });

  test.each([FORWARDS, BACKWARDS] as const)(
    'that is not there is not found, %s',
    async (direction) => {
      await expect(typesOf(using.client.readStream('none', { direction }))).rejects.toMatchObject({
        type: 'stream-not-found',
        streamName: 'none',
      });
    },
  );

  test('tells the position in $all too', async () => {
    const positions = [];
    for await (const { event, commitPosition } of using.client.readStream('s')) {
      expect(commitPosition).toBe(event?.position?.commit);
      positions.push(commitPosition!);
    }
    expect([...positions].sort((a, b) => Number(a - b))).toEqual(positions);
  });
});

describe('$all', () => {
  test('is not empty on a fresh server', async () => {
    const types = await typesOf(using.client.readAll());
    expect(types.length).toBeGreaterThan(0);
    expect(types.every((type) => type.startsWith('$'))).toBe(true);
  });

  test('forwards is inclusive of the position, backwards exclusive', async () => {
    await using.client.appendToStream('s-1', events('A', 'B'));
    const { position } = await using.client.appendToStream('s-2', events('C'));
    await using.client.appendToStream('s-1', events('D'));
    const from = { fromPosition: position! };
    expect(await typesOf(using.client.readAll(from))).toEqual(['C', 'D']);
    const back = { ...from, direction: BACKWARDS, maxCount: 2 } as const;
    expect(await typesOf(using.client.readAll(back))).toEqual(['B', 'A']);
  });

  test('backwards from the end begins with the last', async () => {
    await using.client.appendToStream('s', events('A', 'B'));
    const options = { direction: BACKWARDS, fromPosition: END, maxCount: 2 } as const;
    expect(await typesOf(using.client.readAll(options))).toEqual(['B', 'A']);
    expect(await typesOf(using.client.readAll({ fromPosition: END }))).toEqual([]);
    const fromStart = { direction: BACKWARDS, fromPosition: START } as const;
    expect(await typesOf(using.client.readAll(fromStart))).toEqual([]);
  });

  test('from a position between two events begins with the later', async () => {
    const { commit } = await endOfLog(using.client);
    await using.client.appendToStream('s', events('A'));
    const between = { commit: commit + 1n, prepare: commit + 1n };
    expect(await typesOf(using.client.readAll({ fromPosition: between }))).toEqual(['A']);
  });
});

test('a read that ends or is cancelled leaves no call open', async () => {
  await using.client.appendToStream('s', events('A', 'B', 'C'));
  await typesOf(using.client.readStream('s'));
  await expect(typesOf(using.client.readStream('none'))).rejects.toThrow();
  const abandoned = using.client.readAll();
  await once(abandoned, 'data');
  await abandoned.cancel();
  await using.server.calls.until((calls) => calls.of('read').open === 0);
  expect(using.server.calls.of('read')).toEqual({ open: 0, total: 3 });
});

test('a reader that does not take its events holds the server back', async () => {
  const large = () => jsonEvent({ type: 'Large', data: 'x'.repeat(100_000) });
  for (let append = 0; append < 20; append += 1) {
    await using.client.appendToStream('s', Array.from({ length: 8 }, large));
  }
  const read = using.client.readStream('s');
  await once(read, 'readable');
  await using.client.appendToStream('other', events('A'));
  expect(using.server.calls.of('read')).toEqual({ open: 1, total: 1 });
  expect(await typesOf(read)).toHaveLength(160);
  expect(using.server.calls.of('read')).toEqual({ open: 0, total: 1 });
});
