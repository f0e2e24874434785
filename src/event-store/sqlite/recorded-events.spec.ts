import { describe, expect, it } from '@jest/globals';
import { formatPosition } from '@taskmanager/protocol';
import { RecordedEvents, revisionOf } from './recorded-events.js';

describe('events made from rows', () => {
  it('have the positions of the protocol, in whatever order they are made', () => {
    const recorded = new RecordedEvents('0a1b2c3d');
    const offsets = [1, 9_999, 10_000, 10_001, 3, 123_456_789, 20_000, 19_999, 2 ** 52];
    for (const offset of offsets) {
      expect(recorded.positionOf(offset)).toBe(formatPosition('0a1b2c3d', offset));
    }
    expect(recorded.positionAt(0)).toBeUndefined();
  });

  it('have bigint revisions, short streams and long ones', () => {
    for (const number of [0, 1, 1_023, 1_024, 5_000_000]) {
      expect(revisionOf(number)).toBe(BigInt(number));
    }
  });
});
