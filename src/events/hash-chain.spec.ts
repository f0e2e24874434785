import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CHAIN_START, chainHash, splitHash, withHash } from './hash-chain.js';

const link = {
  stream: 'task-1',
  revision: 0n,
  id: 'e1',
  type: 'TaskDataUpdated',
  version: 1,
  data: '{"data":"é"}',
  metadata: '{"timestamp":5}',
};

describe('the hash of an event', () => {
  test('is SHA-256 over exactly these bytes', () => {
    const bytes = [
      '00'.repeat(32),
      // Each field: four bytes of length, then UTF-8.
      '00000006' + '7461736b2d31', // task-1
      '00000001' + '30', // 0
      '00000002' + '6531', // e1
      '0000000f' + '5461736b4461746155706461746564', // TaskDataUpdated
      '00000001' + '31', // 1
      '0000000d' + '7b2264617461223a22c3a9227d', // {"data":"é"}, 12 characters in 13 bytes
      '0000000f' + '7b2274696d657374616d70223a357d', // {"timestamp":5}
    ].join('');
    const expected = createHash('sha256').update(Buffer.from(bytes, 'hex')).digest('hex');
    expect(chainHash(CHAIN_START, link)).toBe(expected);
  });

  test('depends on every field and on the event before', () => {
    const hashes = [
      chainHash(CHAIN_START, link),
      chainHash('f'.repeat(64), link),
      chainHash(CHAIN_START, { ...link, stream: 'task-2' }),
      chainHash(CHAIN_START, { ...link, revision: 1n }),
      chainHash(CHAIN_START, { ...link, id: 'e2' }),
      chainHash(CHAIN_START, { ...link, type: 'TaskDeleted' }),
      chainHash(CHAIN_START, { ...link, version: 2 }),
      chainHash(CHAIN_START, { ...link, data: '{}' }),
      chainHash(CHAIN_START, { ...link, metadata: '{}' }),
      // The border between two fields counts.
      chainHash(CHAIN_START, { ...link, stream: 'task-10', revision: 0n, id: '1' }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('the stored metadata', () => {
  test('comes apart as it was put together', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
        const metadata = JSON.stringify({ ...fields, version: 1 });
        const hash = createHash('sha256').update(metadata).digest('hex');
        const stored = withHash(metadata, hash);
        expect((JSON.parse(stored) as { hash: string }).hash).toBe(hash);
        expect(splitHash(stored)).toEqual({ metadata, hash });
      }),
    );
  });

  test('without a hash at its end is none of ours', () => {
    expect(splitHash('{"version":1}')).toBeUndefined();
    expect(splitHash(`{"hash":"${CHAIN_START}","version":1}`)).toBeUndefined();
  });
});
