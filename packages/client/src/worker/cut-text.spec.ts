import { describe, expect, it } from '@jest/globals';
import { cutText } from './cut-text.js';

describe('A text that is cut to a size', () => {
  it('stays as it is when it fits', () => {
    expect(cutText('as it is', 64)).toBe('as it is');
    expect(cutText('ä'.repeat(32), 64)).toBe('ä'.repeat(32));
  });

  it.each(['x', 'ä', '€', '😀'])('never ends inside of a character: %s', (character) => {
    for (let bytes = 16; bytes < 32; bytes++) {
      const cut = cutText(character.repeat(100), bytes);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
      expect(Buffer.byteLength(cut)).toBeGreaterThan(bytes - 5);
      expect(cut.replaceAll(character, '')).toBe('…');
    }
  });
});
