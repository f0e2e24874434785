import { type FeedEvent, TRANSITIONS } from '@taskmanager/protocol';
import type { StoredTaskEvent } from './stored-event.js';

/** An event as readers of the feed and subscribers see it. */
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
