import { describe, expect, it } from '@jest/globals';
import { RecentEvents } from './recent-events.js';
import { RecordedEvents } from './recorded-events.js';

const recorded = new RecordedEvents('0a1b2c3d');
const events = (from: number, count: number, data = '{}') =>
  Array.from({ length: count }, (_, n) =>
    recorded.ofRow([from + n, 's', n, `e${from + n}`, n % 2 ? 'B' : 'A', data, '{}']),
  );
const idsAfter = (recent: RecentEvents, offset: number, limit = 100) =>
  recent.pageAfter(offset, undefined, limit)?.events.map(({ id }) => id);

describe('the newest events in memory', () => {
  it('answer pages within what they keep, and leave older and newer places to the file', () => {
    const recent = new RecentEvents(100, 10_000, 10);
    expect(recent.pageAfter(10, undefined, 5)).toEqual({ events: [], offset: 10, end: true });
    recent.push(events(11, 5));
    expect(idsAfter(recent, 10, 2)).toEqual(['e11', 'e12']);
    expect(recent.pageAfter(12, undefined, 9)).toMatchObject({ offset: 15, end: true });
    expect(recent.pageAfter(10, { types: ['B'] }, 3)).toMatchObject({ offset: 13, end: false });
    expect(recent.pageAfter(9, undefined, 5)).toBeUndefined();
    expect(recent.pageAfter(16, undefined, 5)).toBeUndefined();
  });

  it('are bounded by count and by text, however many come', () => {
    const recent = new RecentEvents(10, 1_000);
    for (let from = 1; from < 1_000; from += 3) recent.push(events(from, 3));
    expect(recent.last).toBe(999);
    expect(recent.pageAfter(988, undefined, 100)).toBeUndefined();
    expect(idsAfter(recent, 989)).toHaveLength(10);
    recent.push(events(1_000, 3, 'x'.repeat(400)));
    expect(recent.pageAfter(999, undefined, 100)).toBeUndefined();
    expect(idsAfter(recent, 1_000)).toEqual(['e1001', 'e1002']);
    recent.push(events(1_003, 1, 'x'.repeat(2_000)));
    expect(idsAfter(recent, 1_003)).toEqual([]);
    expect(idsAfter(recent, 1_002)).toBeUndefined();
  });
});
