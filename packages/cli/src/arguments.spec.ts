import { describe, expect, it } from '@jest/globals';
import { duration, id, label, list, point, time, wholeNumber } from './arguments.js';

describe('arguments', () => {
  it('take a time in a zone, in that of this machine, as so long ago, and as milliseconds', () => {
    expect(time('2026-07-01T12:30:00Z')).toBe(Date.UTC(2026, 6, 1, 12, 30));
    expect(time('2026-07-01T12:30:00+02:00')).toBe(Date.UTC(2026, 6, 1, 10, 30));
    expect(time('2026-07-01 12:30')).toBe(new Date(2026, 6, 1, 12, 30).getTime());
    expect(time('2026-07-01')).toBe(new Date(2026, 6, 1).getTime());
    expect(time('1700000000000')).toBe(1_700_000_000_000);
    expect(Math.abs(time('2h') - (Date.now() - 7_200_000))).toBeLessThan(5_000);
  });

  it.each(['yesterday', '2026-13-01', '2026', '12:30', '2 h', '', '2026-07-01 x'])(
    'take no %j for a time',
    (text) => expect(() => time(text)).toThrow(/A (time|duration) is given as/),
  );

  it('take durations with their unit', () => {
    expect(['250ms', '30s', '1.5m', '2h', '3d'].map(duration)).toEqual([
      250, 30_000, 90_000, 7_200_000, 259_200_000,
    ]);
    expect(() => duration('30')).toThrow('A duration is given as');
  });

  it('take a revision or a time for a point of a life', () => {
    expect(point('4')).toEqual({ revision: 4 });
    expect(point('2026-07-01T00:00Z')).toEqual({ at: Date.UTC(2026, 6, 1) });
  });

  it('take ids in any case, and nothing else for one', () => {
    expect(id('0190A5A0-0000-7000-8000-00000000000A')).toBe('0190a5a0-0000-7000-8000-00000000000a');
    expect(() => id('0190a5a0')).toThrow('UUID');
  });

  it('gather what is given several times', () => {
    expect(list('c', list('a, b'))).toEqual(['a', 'b', 'c']);
    expect(label('b=2=3', label('a=1'))).toEqual({ a: '1', b: '2=3' });
    expect(() => label('a')).toThrow('name=value');
  });

  it('take whole numbers within their bounds', () => {
    const limit = wholeNumber(1, 500);
    expect(limit('500')).toBe(500);
    for (const wrong of ['0', '501', '-1', '1.5', 'x', ''])
      expect(() => limit(wrong)).toThrow('from 1');
  });
});
