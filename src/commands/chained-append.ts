import type { EventLog } from '../event-store/index.js';
import {
  type DatedChainEnd,
  encodeEvent,
  type EventMetadata,
  type TaskEvent,
} from '../events/index.js';
import { type CommandContext, eventId } from '../context/index.js';

/** What an event that is no task's may say of one. */
type About = Partial<Pick<EventMetadata, 'taskType' | 'appName' | 'status' | 'attempt'>>;

/**
 * Appends one event to a stream that is no task's, and continues its hash chain. `index` tells events of
 * one command apart. Rejects with RevisionConflict when the stream no longer ends there.
 */
export async function appendChained(
  log: EventLog,
  stream: string,
  end: DatedChainEnd,
  event: TaskEvent,
  context: Pick<
    CommandContext,
    'commandId' | 'actor' | 'correlationId' | 'causationId' | 'transport' | 'now'
  >,
  about: About = {},
  index = 0,
): Promise<void> {
  const { commandId, actor, correlationId, causationId, transport, now } = context;
  const { text } = encodeEvent(end, stream, eventId(commandId, stream, index), event, {
    timestamp: Math.max(now, end.timestamp),
    actor,
    commandId,
    $correlationId: correlationId,
    $causationId: causationId,
    transport,
    ...about,
  });
  await log.append(stream, end.revision < 0 ? 'no_stream' : BigInt(end.revision), [text]);
}
