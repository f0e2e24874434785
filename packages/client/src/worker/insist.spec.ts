import { describe, expect, it } from '@jest/globals';
import { TaskManagerError } from '../errors.js';
import { pauseAfter } from './insist.js';

const error = (code: 'UNAVAILABLE' | 'UNAUTHENTICATED' | 'FORBIDDEN') =>
  new TaskManagerError(code, 'no');

describe('What failed is tried again', () => {
  it('soon, when it may be otherwise a moment later', () => {
    expect(pauseAfter(error('UNAVAILABLE'), 0)).toBeLessThan(1_000);
  });

  it.each(['UNAUTHENTICATED', 'FORBIDDEN'] as const)('slowly after %s, from the first', (code) => {
    expect(pauseAfter(error(code), 0)).toBe(10_000);
  });
});
