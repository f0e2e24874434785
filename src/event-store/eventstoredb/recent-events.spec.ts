import { describe, expect, it } from '@jest/globals';
import { formatPosition } from '@taskmanager/protocol';
import type { RecordedEvent } from '../event-log.port.js';
import { RecentEvents } from './recent-events.js';

const event = (offset: number): RecordedEvent => ({
  id: String(offset),
  type: 'T',
  data: '0123456789',
  metadata: '',
  stream: offset % 20 === 0 ? 'a' : 'b',
  revision: 0n,
  position: formatPosition('0a1b2c3d', offset),
});

function recent(maxEvents: number, maxChars: number, offsets: readonly number[]): RecentEvents {
  const events = new RecentEvents(maxEvents, maxChars);
  events.reset(5);
  for (const offset of offsets) events.push({ offset, event: event(offset) });
  return events;
}

describe('The recent events of a log whose positions have gaps', () => {
  it('are paged from any place behind the first they know, between events too', () => {
    const events = recent(100, 1_000, [10, 20, 30]);
    const ids = (offset: number, limit = 10) => {
      const page = events.pageAfter(offset, undefined, limit);
      return page && [page.events.map(({ id }) => Number(id)), page.offset, page.end];
    };
    expect(ids(4)).toBeUndefined();
    expect(ids(5)).toEqual([[10, 20, 30], 30, true]);
    expect(ids(10, 1)).toEqual([[20], 20, false]);
    expect(ids(14)).toEqual([[20, 30], 30, true]);
    expect(ids(30)).toEqual([[], 30, true]);
    expect(ids(31)).toBeUndefined();
  });

  it('move the place over what the filter leaves out, and over a mark', () => {
    const events = recent(100, 1_000, [10, 20, 30]);
    events.push({ offset: 44, event: undefined });
    const page = events.pageAfter(5, { streamPrefix: 'a' }, 10);
    expect(page).toMatchObject({ events: [{ id: '20' }], offset: 44, end: true });
    expect(events.at(20)?.id).toBe('20');
    expect(events.at(21)).toBeUndefined();
    expect(events.at(44)).toBeUndefined();
  });

  it('forget the oldest past their number or their text, and then know less', () => {
    for (const events of [recent(2, 1_000, [10, 20, 30]), recent(100, 20, [10, 20, 30])]) {
      expect(events.pageAfter(9, undefined, 10)).toBeUndefined();
      expect(events.pageAfter(10, undefined, 10)).toMatchObject({ offset: 30, end: true });
    }
  });

  it('leave out what they have already', () => {
    const events = recent(100, 1_000, [10, 20, 20, 10, 30]);
    expect(events.pageAfter(5, undefined, 10)?.events).toHaveLength(3);
  });
});
