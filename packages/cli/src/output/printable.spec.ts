import { describe, expect, it } from '@jest/globals';
import { printable, safeJson } from './printable.js';

describe('text from tasks', () => {
  it('cannot clear the screen, move the cursor or ring the bell', () => {
    expect(printable('a\u001b[2Jb\u0007\u009b31mc')).toBe('a\\u001b[2Jb\\u0007\\u009b31mc');
  });

  it('stays on one line', () => {
    expect(printable('disk\nfull\r\there\u2028.')).toBe('disk\\nfull\\r\\there\\u2028.');
  });

  it('cannot turn the direction of what stands beside it', () => {
    expect(printable('\u202egnp.exe\u2066')).toBe('\\u202egnp.exe\\u2066');
  });

  it('keeps letters of every script', () => {
    expect(printable('größe 大きさ 👍')).toBe('größe 大きさ 👍');
  });

  it('is the same to a program that reads the JSON', () => {
    const value = { text: 'a\u001b[2J\u009b31m\u202e\u2028' };
    const text = safeJson(value);
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u2028]/);
    expect(JSON.parse(text)).toEqual(value);
  });
});
