import { LoadTasks } from './load-tasks.query.js';

/** Persistent tasks that nobody runs: pending, or running without a lease. */
export class LoadPersistentTasks extends LoadTasks {
  static readonly message = 'load_persistent_tasks';
}
