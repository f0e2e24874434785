import { createHash } from 'node:crypto';
import { LIMITS } from '@taskmanager/protocol';
import type { Task } from './task.js';

/**
 * How long to wait before the next attempt, milliseconds: `retryDelayMs`, or with exponential backoff a
 * full-jitter draw from 0 to `retryDelayMs · 2^retryCount`; never past `maxDelayMs`, nor
 * past the longest duration there is. The draw comes from
 * the id of the TaskFailed event, so that history replays the same.
 */
export function retryDelay(
  task: Pick<Task, 'retryDelayMs' | 'backoff' | 'retryCount'>,
  failedEventId: string,
): number {
  const cap = task.backoff.maxDelayMs ?? LIMITS.durationMs;
  if (task.backoff.type === 'fixed') return Math.min(task.retryDelayMs, cap);
  const ceiling = Math.min(task.retryDelayMs * 2 ** task.retryCount, cap);
  const draw = createHash('sha256').update(failedEventId).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(draw * (ceiling + 1));
}
