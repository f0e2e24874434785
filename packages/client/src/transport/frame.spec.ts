import { describe, expect, it } from '@jest/globals';
import { encodeFrame, FrameDecoder } from './frame.js';

describe('the TCP frame', () => {
  const messages = ['{"a":1}', '{"text":"grüße 🎈 日本"}', `{"long":"${'x'.repeat(5_000)}"}`];
  const bytes = Buffer.from(messages.map(encodeFrame).join(''));

  it('counts UTF-16 units, not bytes', () => {
    expect(encodeFrame('"🎈é"')).toBe('5#"🎈é"');
  });

  it.each([1, 2, 3, 7, 1_024, 100_000])('is put together from chunks of %i bytes', (size) => {
    const decoder = new FrameDecoder();
    const frames: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      frames.push(...decoder.push(bytes.subarray(at, at + size)));
    }
    expect(frames).toEqual(messages);
  });

  it.each([
    'HTTP/1.1 200 OK\r\n',
    'x#{}',
    '-3#{}',
    '0#',
    '9999999999',
    '99999999#{',
    '1.5#a',
    '#{}',
  ])('is refused when it begins with %j', (text) => {
    expect(() => new FrameDecoder().push(Buffer.from(text))).toThrow('is no length');
  });
});
