import { TaskRetried } from '../events/index.js';
import type { Task } from './task.js';

/** One more retry of a failed task. */
export function retried(task: Task, reason?: string): TaskRetried {
  const { retryCount, maxRetries } = task;
  return new TaskRetried({
    retryCount: retryCount + 1,
    maxRetries,
    ...(reason !== undefined && { reason }),
  });
}
