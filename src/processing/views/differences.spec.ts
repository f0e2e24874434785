import { describe, expect, it } from '@jest/globals';
import { type Json, LIMITS } from '@taskmanager/protocol';
import { Differences } from './differences.js';

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('What a view says otherwise than the log', () => {
  it('is cut where it is long, and named all the same', () => {
    const differences = new Differences();
    const key = 'k'.repeat(100_000);
    differences.between('t', { [key]: 'v'.repeat(100_000) }, { [key]: 'l'.repeat(100_000) });
    const [found] = differences.listed;
    expect(found).toMatchObject({ taskId: 't', path: expect.stringMatching(/^\/k{999}…$/) });
    expect(found?.view).toContain('(100002 characters of JSON)');
    expect(found?.text).toContain('the log "');
    expect(bytesOf(found)).toBeLessThan(16_000);
  });

  it('is found under names that every object has, too', () => {
    const differences = new Differences();
    const own = JSON.parse('{"constructor":1,"__proto__":{"a":2},"toString":"x"}') as Json;
    differences.between('t', {}, own);
    differences.between('t', own, {});
    const places = differences.listed.map(({ path, view, log }) => [path, view, log]);
    expect(places).toEqual([
      ['/constructor', undefined, 1],
      ['/__proto__', undefined, { a: 2 }],
      ['/toString', undefined, 'x'],
      ['/constructor', 1, undefined],
      ['/__proto__', { a: 2 }, undefined],
      ['/toString', 'x', undefined],
    ]);
  });

  it('is listed up to a hundred, and to what one answer takes, and counted to the end', () => {
    const short = new Differences();
    for (let n = 0; n < 1_000; n++) short.add({ text: `${n}`, taskId: 't' });
    expect([short.listed.length, short.count]).toEqual([100, 1_000]);
    const long = new Differences();
    const value = '€'.repeat(2_000);
    for (let n = 0; n < 1_000; n++) long.between('t', { value, n }, { value: `${value}!`, n });
    expect(long.count).toBe(1_000);
    expect(long.listed.length).toBeGreaterThan(10);
    expect(bytesOf(long.listed)).toBeLessThan(LIMITS.answerBytes / 2);
    // What was found elsewhere is bounded as well.
    const all = new Differences();
    for (let n = 0; n < 5; n++) all.addAll(long.listed, long.count);
    expect([all.listed.length, all.count]).toEqual([long.listed.length, 5_000]);
  });
});
