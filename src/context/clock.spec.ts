import { beforeEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from './clock.js';

const HOUR = 3_600_000;

describe('the clock of the service', () => {
  let wall: number;
  let steady: number;
  let clock: SystemClock;

  beforeEach(() => {
    wall = 1_700_000_000_000;
    steady = 5_000;
    clock = new SystemClock(
      () => wall,
      () => steady,
    );
    clock.now();
  });
  /** Time passes on both. */
  const pass = (ms: number) => {
    wall += ms;
    steady += ms;
  };

  it('tells what the wall clock tells', () => {
    for (const ms of [0, 1, 10_000, HOUR]) {
      pass(ms);
      expect(clock.now()).toBe(wall);
    }
  });

  it('follows at once when the wall clock is set forward', () => {
    wall += HOUR;
    expect(clock.now()).toBe(wall);
  });

  it('goes on at half the pace when it is set back, until the wall has caught up', () => {
    const before = wall;
    wall -= HOUR;
    expect(clock.now()).toBe(before);
    pass(HOUR);
    expect(clock.now()).toBe(before + HOUR / 2);
    pass(HOUR - 2);
    expect(clock.now()).toBe(before + HOUR - 1);
    pass(2);
    expect(clock.now()).toBe(wall);
    pass(HOUR);
    expect(clock.now()).toBe(wall);
  });

  it('loses nothing of what passes however often it is asked', () => {
    const before = wall;
    wall -= HOUR;
    for (let n = 0; n < 1_000; n++) {
      pass(0.1);
      clock.now();
    }
    // A hundred milliseconds in pieces; the sum of so many fractions may be a hair below.
    expect(clock.now() - before).toBeGreaterThanOrEqual(49);
    expect(clock.now() - before).toBeLessThanOrEqual(50);
  });

  it('never goes back, wherever the wall clock jumps', () => {
    let last = clock.now();
    for (const jump of [5, -HOUR, HOUR / 2, -10, 3 * HOUR, -2 * HOUR, 0]) {
      wall += jump;
      pass(7);
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('is the wall clock where nothing is set', () => {
    const [before, now, after] = [Date.now(), new SystemClock().now(), Date.now()];
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(after);
  });
});
