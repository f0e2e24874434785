import { setTimeout as sleep } from 'node:timers/promises';
import { LogUnavailable } from './event-log.errors.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** About a minute and a half in all: a cluster that elects a new leader is back long before. */
const TRIES = 25;

/**
 * Does it again, after a growing pause, while the log is unavailable. Only for what may be done twice:
 * reads, and appends of the same ids at the same revision.
 */
export async function patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LogUnavailable) || tries === TRIES) throw error;
    }
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
    await sleep(pause, undefined, signal ? { signal } : {});
  }
}
