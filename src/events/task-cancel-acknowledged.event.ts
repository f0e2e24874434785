import { TaskEvent } from './task-event.js';

export type TaskCancelAcknowledgedData = Readonly<Record<string, never>>;

/** The runner of a cancelled task has really stopped. */
export class TaskCancelAcknowledged extends TaskEvent<TaskCancelAcknowledgedData> {
  static readonly type = 'TaskCancelAcknowledged';
  static readonly version = 1;
  readonly type = TaskCancelAcknowledged.type;
  readonly version = TaskCancelAcknowledged.version;
}
