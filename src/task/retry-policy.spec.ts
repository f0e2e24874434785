import { describe, expect, test } from '@jest/globals';
import { LIMITS } from '@taskmanager/protocol';
import fc from 'fast-check';
import { retryDelay } from './retry-policy.js';

const policy = (type: 'fixed' | 'exponential', retryCount: number, maxDelayMs?: number) => ({
  retryDelayMs: 1_000,
  retryCount,
  backoff: { type, ...(maxDelayMs !== undefined && { maxDelayMs }) },
});

describe('the delay before a retry', () => {
  test('stays what it is when fixed, up to its limit', () => {
    expect(retryDelay(policy('fixed', 7), 'event')).toBe(1_000);
    expect(retryDelay(policy('fixed', 7, 300), 'event')).toBe(300);
  });

  test('is drawn from 0 to the doubled delay, and never past its limit', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(1_000), fc.option(fc.nat(1e9)), (id, count, limit) => {
        const delay = retryDelay(policy('exponential', count, limit ?? undefined), id);
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min(1_000 * 2 ** count, limit ?? LIMITS.durationMs));
      }),
    );
  });

  test('is the same for the same failure, for ever', () => {
    expect(retryDelay(policy('exponential', 3), 'a')).toBe(
      retryDelay(policy('exponential', 3), 'a'),
    );
    // SHA-256 of "a" begins ca978112: the draw is 0xca978112 / 2^32 of 8,001.
    expect(retryDelay(policy('exponential', 3), 'a')).toBe(
      Math.floor((0xca978112 / 2 ** 32) * 8_001),
    );
  });

  test('is spread over the whole range', () => {
    const delays = Array.from({ length: 1_000 }, (_, n) =>
      retryDelay(policy('exponential', 0), String(n)),
    );
    expect(Math.min(...delays)).toBeLessThan(50);
    expect(Math.max(...delays)).toBeGreaterThan(950);
  });
});
