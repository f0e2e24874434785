import { Refusal } from '../../context/index.js';

/** The last task of a page: among those overdue, by time, or behind them among those with parked events, by id. */
export type StuckCursor =
  { readonly dueAt: number; readonly seq: number } | { readonly parked: string };

export function encodeStuckCursor(cursor: StuckCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Throws Refusal VALIDATION_FAILED for what is no cursor. */
export function decodeStuckCursor(text: string): StuckCursor {
  let cursor: unknown;
  try {
    cursor = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    // Refused below, like any other that is not ours.
  }
  if (isCursor(cursor)) return cursor;
  throw new Refusal('VALIDATION_FAILED', 'cursor must be the nextCursor of the page before.', {
    field: 'cursor',
  });
}

function isCursor(value: unknown): value is StuckCursor {
  if (typeof value !== 'object' || value === null) return false;
  const { dueAt, seq, parked } = value as Record<string, unknown>;
  return typeof parked === 'string' || (Number.isSafeInteger(dueAt) && Number.isSafeInteger(seq));
}
