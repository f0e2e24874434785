import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskManager } from '@taskmanager/client';

/** How often the service is asked whether it is there, and how long it may take to answer, milliseconds. */
const EVERY_MS = 5_000;

/**
 * Tells when the service answers no more, and when it does again (`undefined`). A feed that waits for
 * events would say so only when its wait is over, most of a minute later. Resolves when `signal` fires.
 *
 * @param signal ends it
 */
export async function tellOutages(
  tasks: TaskManager,
  signal: AbortSignal,
  tell: (trouble: string | undefined) => void,
  everyMs = EVERY_MS,
): Promise<void> {
  let away = false;
  for (;;) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const trouble = await tasks
      .readEvents({ from: 'now', limit: 1, waitMs: 0 }, { timeoutMs: everyMs, signal })
      .then(
        () => undefined,
        (error: unknown) => `The service does not answer: ${(error as Error).message}`,
      );
    if (signal.aborted) return;
    if (away !== (trouble !== undefined)) tell(trouble);
    away = trouble !== undefined;
  }
}
