import type { RecordedEvent } from '../../event-store/index.js';
import { decodeTaskEvent, type StoredTaskEvent } from '../../events/index.js';

/** What an event adds to an answer beside its data, in bytes. */
const ENVELOPE_BYTES = 600;

/** An event with what it takes in an answer. */
export interface SizedEvent {
  readonly stored: StoredTaskEvent;
  readonly bytes: number;
}

export function sized(record: RecordedEvent): SizedEvent {
  const bytes = Buffer.byteLength(record.data) + ENVELOPE_BYTES;
  return { stored: decodeTaskEvent(record), bytes };
}
