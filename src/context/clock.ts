/** Time comes from here and nowhere else (DESIGN §6.7), so that tests can set it. Epoch milliseconds. */
export abstract class Clock {
  abstract now(): number;
}

/** While the wall clock is behind, so much of the time that really passes is told. */
const SLEWING_PACE = 0.5;

/**
 * The wall clock, but it never goes back. When that is set back, this one goes on at half the pace of
 * the time that really passes until the wall has caught up, as NTP slews a clock: nothing that was due
 * becomes undue, and nothing stands still. Set forward, it is followed at once: whatever lies between
 * is due. It knows of one process only, from its start on: another one, or the next, follows the wall.
 */
export class SystemClock extends Clock {
  private time = -Infinity;
  private asked: number;

  /** `wall`: epoch milliseconds; `steady`: milliseconds from anywhere, never set. */
  constructor(
    private readonly wall: () => number = Date.now,
    private readonly steady: () => number = () => performance.now(),
  ) {
    super();
    this.asked = steady();
  }

  now(): number {
    const asked = this.steady();
    const slewed = this.time + (asked - this.asked) * SLEWING_PACE;
    this.asked = asked;
    this.time = Math.max(this.wall(), slewed);
    return Math.floor(this.time);
  }
}
