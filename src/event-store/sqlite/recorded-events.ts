import { formatPosition, type Position } from '@taskmanager/protocol';
import type { RecordedEvent, Revision } from '../event-log.port.js';

/** A row of the event table with its stream's name, as `raw()` gives it. */
export type EventRow = [
  position: number,
  stream: string,
  revision: number,
  id: string,
  type: string,
  data: string,
  metadata: string,
];

const LOW_DIGITS = 4;
const LOW_COUNT = 10 ** LOW_DIGITS;
const LOW_TEXTS = Array.from({ length: LOW_COUNT }, (_, n) => String(n).padStart(LOW_DIGITS, '0'));
const SMALL_REVISIONS = Array.from({ length: 1_024 }, (_, n) => BigInt(n));

/** Most streams are short: their revisions are made once. */
export function revisionOf(number: number): Revision {
  return SMALL_REVISIONS[number] ?? BigInt(number);
}

/**
 * Turns rows into events. A rebuild makes millions of them, so a position is its neighbours' common
 * beginning plus four prepared digits, the same text as {@link formatPosition} gives.
 */
export class RecordedEvents {
  private high = -1;
  private beginning = '';

  constructor(private readonly logId: string) {}

  positionOf(offset: number): Position {
    const low = offset % LOW_COUNT;
    if (offset - low !== this.high) {
      this.high = offset - low;
      this.beginning = formatPosition(this.logId, this.high).slice(0, -LOW_DIGITS);
    }
    return `${this.beginning}${LOW_TEXTS[low] ?? ''}` as Position;
  }

  /** The position of a head or checkpoint, where 0 stands before the first event. */
  positionAt(offset: number): Position | undefined {
    return offset === 0 ? undefined : this.positionOf(offset);
  }

  ofRow(row: EventRow): RecordedEvent {
    return {
      id: row[3],
      type: row[4],
      data: row[5],
      metadata: row[6],
      stream: row[1],
      revision: revisionOf(row[2]),
      position: this.positionOf(row[0]),
    };
  }
}
