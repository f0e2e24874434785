const FIRST_MS = 50;
const LONGEST_MS = 10_000;

/** How long to wait after so many failures in a row: doubling, capped, half of it left to chance. */
export function backoffMs(failures: number, chance: number = Math.random()): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return whole / 2 + (whole / 2) * chance;
}
