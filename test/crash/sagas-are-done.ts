import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessorInfo, TaskManager } from '@taskmanager/client';

const LIMIT_MS = 60_000;
const POLL_MS = 20;

/** Everything that sagas do about what is in the log has been done. */
export function sagasAreDone(client: TaskManager): Promise<void> {
  return whenLive(client, ({ kind }) => kind === 'saga');
}

/** All processors have done what there is to do, the timers too. */
export function nothingIsDue(client: TaskManager): Promise<void> {
  return whenLive(client, () => true);
}

async function whenLive(
  client: TaskManager,
  isMeant: (processor: ProcessorInfo) => boolean,
): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { processors } = await client.admin.listProcessors();
    const behind = processors
      .filter(isMeant)
      .filter(({ state, lag = 0, overdue = 0 }) => state !== 'live' || lag > 0 || overdue > 0);
    if (behind.length === 0) return;
    if (performance.now() > limit) throw new Error(`They are behind: ${JSON.stringify(behind)}`);
    await delay(POLL_MS);
  }
}
