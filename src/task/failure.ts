import { TaskFailed } from '../events/index.js';
import type { Task } from './task.js';

/** The failure of a task's present attempt, and whether it will be retried by itself. */
export function failed(task: Task, error: string, retryable: boolean): TaskFailed {
  const willRetry = task.persistent && retryable && task.retryCount < task.maxRetries;
  return new TaskFailed({ error, retryable, willRetry });
}
