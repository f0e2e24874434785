import { LoadTasks } from './load-tasks.query.js';

/** Persistent tasks that failed and have retries left. */
export class LoadRetryableTasks extends LoadTasks {
  static readonly message = 'load_retryable_tasks';
}
