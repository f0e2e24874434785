import type { Json, TaskChange, TaskInfo } from '@taskmanager/protocol';
import { changesBetween } from '../../processing/index.js';

/** Fields in the order in which they are told; the compiler finds one that is forgotten. */
const FIELDS = Object.keys({
  id: true,
  name: true,
  taskType: true,
  appName: true,
  runBy: true,
  status: true,
  progress: true,
  completedItems: true,
  totalItems: true,
  message: true,
  data: true,
  input: true,
  result: true,
  error: true,
  retryCount: true,
  maxRetries: true,
  retryDelayMs: true,
  backoff: true,
  nextRetryAt: true,
  persistent: true,
  priority: true,
  labels: true,
  runAt: true,
  timeouts: true,
  workerId: true,
  attempt: true,
  leaseEpoch: true,
  leaseExpiresAt: true,
  stallCount: true,
  pausedAt: true,
  pauseAcknowledged: true,
  checkpoint: true,
  approval: true,
  cancelAcknowledged: true,
  createdBy: true,
  createdAt: true,
  updatedAt: true,
  startedAt: true,
  completedAt: true,
  revision: true,
  imported: true,
} satisfies Record<keyof TaskInfo, true>) as (keyof TaskInfo)[];

/** Changes in one field that take more room than this, in characters, are looked at once more. */
const LARGE = 16 * 1024;

/**
 * What differs, place by place. Many changes in one field that would take more room one by one than both
 * its values are told as one, which keeps an answer within twice the task's own size.
 */
export function taskChanges(before: TaskInfo, after: TaskInfo): readonly TaskChange[] {
  return FIELDS.flatMap((field) => {
    const [one, other] = [before[field], after[field]] as [Json | undefined, Json | undefined];
    const changes = [...changesBetween(`/${field}`, one, other)];
    const size = sizeOf(changes);
    if (size <= LARGE) return changes;
    const whole = {
      path: `/${field}`,
      ...(one !== undefined && { before: one }),
      ...(other !== undefined && { after: other }),
    };
    return size > sizeOf([whole]) ? [whole] : changes;
  });
}

const sizeOf = (changes: readonly TaskChange[]): number => JSON.stringify(changes).length;
