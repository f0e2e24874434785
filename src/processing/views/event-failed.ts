import type { Position } from '@taskmanager/protocol';
import { isDatabaseError } from '../../database/index.js';
import type { RecordedEvent } from '../../event-store/index.js';
import { type StoredTaskEvent, taskStream } from '../../events/index.js';

/** Which event it was. */
export interface FailedEvent {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly type: string;
}

/** One event cannot be taken, whatever is tried; those of other tasks can. `cause` says why. */
export class EventFailed extends Error {
  override readonly name = 'EventFailed';

  constructor(
    readonly event: FailedEvent,
    override readonly cause: Error,
  ) {
    const { type, revision, position, stream } = event;
    super(`${type} (revision ${revision}, position ${position}) of ${stream}: ${cause.message}`);
  }
}

/**
 * The failure of this event. Throws the error as it is when the event is not to blame: the database
 * cannot be read.
 */
export function failureOf(event: RecordedEvent | StoredTaskEvent, error: unknown): EventFailed {
  if (isDatabaseError(error)) throw error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const { id, position } = event;
  const revision = Number(event.revision);
  return 'stream' in event
    ? new EventFailed({ id, position, revision, stream: event.stream, type: event.type }, cause)
    : new EventFailed(
        { id, position, revision, stream: taskStream(event.taskId), type: event.event.type },
        cause,
      );
}
