import { setTimeout as delay } from 'node:timers/promises';
import type { TaskManager } from '@taskmanager/client';

const LIMIT_MS = 60_000;

/** Everything that sagas do about what is in the log has been done. */
export async function sagasAreDone(client: TaskManager): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  for (;;) {
    const { processors } = await client.admin.listProcessors();
    const sagas = processors.filter(({ kind }) => kind === 'saga');
    if (sagas.every(({ state, lag }) => state === 'live' && lag === 0)) return;
    if (performance.now() > limit) throw new Error(`Sagas are behind: ${JSON.stringify(sagas)}`);
    await delay(20);
  }
}
