const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/**
 * How long to wait before try number `failures + 1`, milliseconds: doubles from 50 to 2,000, and half
 * of it is drawn by chance, so that the clients of a restarted service do not come back all at once.
 */
export function backoffMs(failures: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return full * (0.5 + Math.random() / 2);
}
