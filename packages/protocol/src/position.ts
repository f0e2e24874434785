/**
 * An event's place in the whole log, as text: `<8 hex: which log>:<20 digits>`. Two positions of one
 * log compare as text; there may be gaps between neighbours.
 */
export type Position = string & { readonly __brand: 'Position' };

const FORM = /^[0-9a-f]{8}:[0-9]{20}$/;

export function isPosition(value: unknown): value is Position {
  return typeof value === 'string' && FORM.test(value);
}

/** `offset` is the adapter's own number: ≥ 0 and below 10^20. */
export function formatPosition(logId: string, offset: number | bigint): Position {
  return `${logId}:${String(offset).padStart(20, '0')}` as Position;
}

export function logIdOf(position: Position): string {
  return position.slice(0, 8);
}

export function offsetOf(position: Position): bigint {
  return BigInt(position.slice(9));
}
