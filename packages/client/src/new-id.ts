import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const BYTES = 16;
/** Drawn at once: asking the system for each id would cost more than everything else about a command. */
const pool = new Uint8Array(BYTES * 256);
let used = pool.length;

/** A new UUID v7. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, (used += BYTES));
  return v7({ random });
}
