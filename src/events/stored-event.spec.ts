import { describe, expect, test } from '@jest/globals';
import { type Position, formatPosition } from '@taskmanager/protocol';
import fc from 'fast-check';
import { CHAIN_START, chainHash, splitHash } from './hash-chain.js';
import { EMPTY_CHAIN, decodeTaskEvent, encodeEvent, taskStream } from './stored-event.js';
import { TaskDataUpdated } from './task-events.js';

const METADATA = {
  timestamp: 5,
  actor: { id: 'a', roles: ['client'], verified: true },
  commandId: 'c',
  $correlationId: '\u{1F980}',
  $causationId: '\ud800',
  transport: 'tcp',
  taskType: 'publish',
  appName: 'registry',
  status: 'running',
  attempt: 1,
} as const;
const STREAM = taskStream('1');
const position: Position = formatPosition('0'.repeat(8), 1);

const stored = (data: unknown) =>
  encodeEvent(EMPTY_CHAIN, STREAM, 'e1', new TaskDataUpdated({ data: data as never }), METADATA);
const record = (text: ReturnType<typeof stored>['text']) => ({
  ...text,
  stream: STREAM,
  revision: 0n,
  position,
});

describe('the stored form', () => {
  test('is the class, its version and its data as text', () => {
    const { text } = stored({ a: 1 });
    expect(text).toMatchObject({ id: 'e1', type: 'TaskDataUpdated', data: '{"data":{"a":1}}' });
    expect(Object.keys(JSON.parse(text.metadata) as object)).toEqual([
      ...Object.keys(METADATA),
      'version',
      'hash',
    ]);
  });

  test('continues the chain of its stream', () => {
    const { text, chain } = stored(1);
    const { metadata = '', hash } = splitHash(text.metadata) ?? {};
    const link = { ...text, stream: STREAM, revision: 0n, version: 1, metadata };
    expect(hash).toBe(chainHash(CHAIN_START, link));
    expect(chain).toEqual({ revision: 0, hash });
  });

  test('comes back as the event that it was', () => {
    const event = decodeTaskEvent(record(stored({ a: [1] }).text));
    expect(event).toMatchObject({ id: 'e1', taskId: '1', revision: 0, position });
    expect(event.event).toBeInstanceOf(TaskDataUpdated);
    expect(event.event.data).toEqual({ data: { a: [1] } });
  });

  test('is decoded once for all who read one record', () => {
    const one = record(stored(1).text);
    expect(decodeTaskEvent(one)).toBe(decodeTaskEvent(one));
  });
});

/** What another store keeps as JSON and gives back must have the same hash. */
describe('text that was parsed and written again is the same text', () => {
  const same = (data: unknown): void => {
    const { text } = stored(data);
    for (const part of [text.data, text.metadata]) {
      expect(JSON.stringify(JSON.parse(part))).toBe(part);
    }
  };

  test.each([
    ['__proto__', '{"__proto__":{"polluted":true},"constructor":1,"a":{"__proto__":null}}'],
    ['integer-like keys', '{"b":1,"10":2,"9":3,"01":4,"-1":5,"4294967295":6}'],
    ['numbers', '[-0,0.1,1e21,1e-7,123456789012345680000,5e-324,1.0]'],
    ['lone surrogates', String.raw`["\ud800","\udc00x","\u2028\u0000\u001f/"]`],
    ['unicode', '["é","e\u0301","\u{1F980}","\uffff"]'],
    ['keys said twice', '{"a":1,"b":2,"a":3}'],
    ['a function by name', '{"toJSON":"text","then":1}'],
  ])('%s', (_, json) => {
    same(JSON.parse(json));
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
  });

  test('for any JSON at all', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => same(JSON.parse(json))),
      { numRuns: 1_000 },
    );
  });
});
