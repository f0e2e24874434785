import type { TaskInfo } from '@taskmanager/protocol';
import { TaskManagerError } from '../errors.js';
import { endOfFeed, followFeed, LostPosition, type ReadEvents } from './follow.js';

/** After these a pause is over for good: nothing will resume the task. */
const ENDINGS: readonly string[] = ['failed', 'cancelled', 'deleted', 'completed'];
/** Refusals that no waiting mends. */
const HOPELESS = new Set(['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'CLOSED']);

/**
 * Resolves when the task is not paused: at once, or when somebody resumes it, which may take days.
 *
 * @throws TaskManagerError `INVALID_TRANSITION` when the task ends instead
 */
export async function waitForResume(
  id: string,
  read: ReadEvents,
  getTask: () => Promise<TaskInfo>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      return await waitInFeed(id, read, getTask, signal);
    } catch (error) {
      // What it waits for may have happened before the new beginning: so it looks again.
      if (!(error instanceof LostPosition)) throw error;
    }
  }
}

async function waitInFeed(
  id: string,
  read: ReadEvents,
  getTask: () => Promise<TaskInfo>,
  signal: AbortSignal,
): Promise<void> {
  // In this order: whatever happens after the look is in the feed after this position.
  const from = await endOfFeed(read, signal);
  const { status } = await getTask();
  if (ENDINGS.includes(status)) throw endedInstead(id, status);
  if (status !== 'paused') return;
  const filter = { taskIds: [id], events: ['resumed', ...ENDINGS] };
  for await (const page of followFeed(read, from, filter, signal, throwIfHopeless)) {
    for (const { event } of page.events) {
      if (event === 'resumed') return;
      throw endedInstead(id, event);
    }
  }
  throw new TaskManagerError('ABORTED', `Waiting for task ${id} to be resumed was given up`);
}

function throwIfHopeless(error: unknown): void {
  if (error instanceof TaskManagerError && HOPELESS.has(error.code)) throw error;
}

function endedInstead(id: string, status: string): TaskManagerError {
  const message = `Task ${id} ended while it was paused (${status}): it will not be resumed`;
  return new TaskManagerError('INVALID_TRANSITION', message, { status });
}
