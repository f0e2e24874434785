import type { CommandName, CommandRequests } from '@taskmanager/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerOfCommand } from '../answer-of.js';
import { backoffMs } from '../backoff.js';
import { TaskManagerError } from '../errors.js';
import { newId } from '../new-id.js';
import type { CommandOptions } from '../options.js';
import type { TaskCalls } from '../task-calls.js';

/** What a worker needs of a client: a connected TaskManager has it. */
export type WorkerClient = Pick<TaskCalls, 'command' | 'readEvents'>;

/** What may be different a moment later. A conflict is another replica that was quicker. */
const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OVERLOADED', 'TIMEOUT', 'CONFLICT']);

export function isPassing(error: unknown): boolean {
  return error instanceof TaskManagerError && PASSING.has(error.code);
}

/** Between two tries of what was refused for a reason that waiting does not mend, milliseconds. */
const REFUSED_MS = 10_000;

/** How long to wait after so many failures in a row, the last of them this, milliseconds. */
export function pauseAfter(error: unknown, failures: number): number {
  return isPassing(error) ? backoffMs(failures) : REFUSED_MS;
}

/** Whether a command that failed with this may have taken effect all the same. */
export function maybeDone(error: unknown): boolean {
  return !(error instanceof TaskManagerError) || error.details?.outcome !== 'not_sent';
}

/**
 * Sends a command until the service has decided it, however long it is away: always with the same
 * commandId, so that it takes effect once.
 *
 * @param signal looked at between two tries; then the last error is thrown
 * @throws TaskManagerError what the service refused it with
 */
export async function insist<N extends CommandName>(
  client: WorkerClient,
  name: N,
  args: CommandRequests[N],
  signal: AbortSignal,
  options: CommandOptions = {},
): Promise<AnswerOfCommand<N>> {
  const commandId = options.commandId ?? newId();
  let retry = options.retry ?? false;
  for (let failures = 0; ; failures++) {
    try {
      return await client.command(name, args, { ...options, commandId, retry });
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error;
      retry ||= maybeDone(error);
      await sleep(backoffMs(failures), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}
