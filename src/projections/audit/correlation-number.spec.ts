import { expect, it } from '@jest/globals';
import { correlationNumber, correlationNumbers } from './correlation-number.js';

const LAST_BLOCK = 100;

it('finds what any block of the file has', () => {
  const numbers = correlationNumbers('order 17', LAST_BLOCK);
  for (let block = 1; block <= LAST_BLOCK; block += 1) {
    expect(numbers).toContain(correlationNumber('order 17', block));
  }
  expect(numbers).not.toContain(correlationNumber('order 18', 1));
});

it('lets what is written later lie behind what was written long before', () => {
  for (let id = 0; id < 100; id += 1) {
    expect(correlationNumber(`${id}`, LAST_BLOCK)).toBeGreaterThan(correlationNumber('x', 1));
  }
});
