import { TaskEvent } from './task-event.js';

export interface TaskRejectedData {
  /** Actor id. */
  readonly by: string;
  readonly reason: string;
}

/** One no is enough; TaskFailed follows in the same append. */
export class TaskRejected extends TaskEvent<TaskRejectedData> {
  static readonly type = 'TaskRejected';
  static readonly version = 1;
  readonly type = TaskRejected.type;
  readonly version = TaskRejected.version;
}
