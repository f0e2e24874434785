import { afterEach, describe, expect, it } from '@jest/globals';
import { Pace } from './pace.js';

/** Long enough for the pace to be seen, milliseconds. */
const RUN_MS = 600;
const PIECE_MS = 1;

function use(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('long work of the event loop', () => {
  let isOver = false;
  afterEach(() => {
    isOver = true;
  });

  /** What part of the time the work has. */
  async function share(pace: Pace): Promise<number> {
    const start = performance.now();
    let worked = 0;
    while (performance.now() - start < RUN_MS) {
      const begun = performance.now();
      use(PIECE_MS);
      worked += performance.now() - begun;
      await pace.turn();
    }
    return worked / (performance.now() - start);
  }

  /** Others that always have something to do. */
  function others(): void {
    isOver = false;
    const work = () => {
      use(1);
      if (!isOver) setImmediate(work);
    };
    setImmediate(work);
  }

  it('has most of the time while nobody else wants any', async () => {
    expect(await share(new Pace())).toBeGreaterThan(0.5);
  });

  it('gives way to others, and is never left without a turn', async () => {
    others();
    const part = await share(new Pace());
    expect(part).toBeLessThan(0.4);
    expect(part).toBeGreaterThan(0.05);
  });

  it('rests less while it gets nowhere', async () => {
    others();
    const pace = new Pace();
    const before = await share(pace);
    const real = performance.now.bind(performance);
    let ahead = 0;
    performance.now = () => real() + ahead;
    try {
      for (let term = 0; term < 5; term++, ahead += 25_000) pace.leftOver(1_000);
    } finally {
      performance.now = real;
    }
    expect(await share(pace)).toBeGreaterThan(before * 1.5);
  });
});
