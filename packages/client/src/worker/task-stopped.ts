/**
 * Why a handler is to stop:
 * - `cancelled`, `deleted`: somebody does not want the task any more
 * - `paused`: it goes on later, perhaps elsewhere, from the checkpoint
 * - `waiting_for_approval`: this handler asked people
 * - `failed`: somebody else, or the task's time limit, ended it
 * - `lease_lost`: it is not this worker's any more
 * - `shutdown`: this worker stops; the task is handed back
 */
export type StopKind =
  | 'cancelled'
  | 'deleted'
  | 'paused'
  | 'waiting_for_approval'
  | 'failed'
  | 'lease_lost'
  | 'shutdown';

/** The `reason` of a running task's `signal`, and what its methods reject with once it is to stop. */
export class TaskStopped extends Error {
  /** As Node's own aborts are called, so that libraries take it for one. */
  override readonly name = 'AbortError';

  constructor(
    readonly kind: StopKind,
    message: string,
    /** What the one who stopped it gave as the reason. */
    readonly statedReason?: string,
  ) {
    super(message);
  }
}

/** Thrown by a handler: the task fails and is not retried, whatever its retries. */
export class PermanentTaskError extends Error {
  override readonly name = 'PermanentTaskError';
}
