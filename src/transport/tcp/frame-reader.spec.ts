import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameReader, MalformedFrame } from './frame-reader.js';

describe('FrameReader', () => {
  it('reads the same frames however the bytes are cut', () => {
    const frames = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(60), { minLength: 1 }), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text.length}#${text}`).join(''));
        const reader = new FrameReader(1_000);
        const read: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = 1 + (cuts[turn % cuts.length] ?? 0);
          read.push(...reader.read(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(read).toEqual(texts);
        expect(reader.held).toBe(0);
      }),
    );
  });

  it('holds what is not complete', () => {
    const reader = new FrameReader(100);
    expect([...reader.read(Buffer.from('1#a5#ab'))]).toEqual(['a']);
    expect(reader.held).toBeGreaterThan(0);
    expect([...reader.read(Buffer.from('cde'))]).toEqual(['abcde']);
    expect(reader.held).toBe(0);
  });

  it.each([
    'x',
    '#',
    '-1#',
    ' 1#a',
    '1.5#',
    '0#',
    '00#',
    '101#',
    '123456789',
    '999999999#',
    '1e2#',
  ])('refuses a frame that begins with %j', (text) => {
    expect(() => [...new FrameReader(100).read(Buffer.from(text))]).toThrow(MalformedFrame);
  });
});
