import { type FeedEvent, TRANSITIONS } from '@taskmanager/protocol';
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

export function toFeedEvent({
  event,
  metadata,
  position,
  revision,
  taskId,
}: StoredTaskEvent): FeedEvent {
  const { taskType, appName, status, timestamp, actor } = metadata;
  return {
    event: TRANSITIONS[event.type].feed,
    type: event.type,
    position,
    revision,
    taskId,
    taskType,
    appName,
    status,
    at: timestamp,
    actor,
    data: event.data as FeedEvent['data'] & typeof event.data,
  };
}
