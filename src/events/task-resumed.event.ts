import type { Deadlines } from './deadlines.js';
import { TaskEvent } from './task-event.js';

export interface TaskResumedData {
  /** Epoch milliseconds of each clock that runs again. */
  readonly deadlines: Deadlines;
  readonly reason?: string;
}

/** The task goes on with what was left of its clocks. */
export class TaskResumed extends TaskEvent<TaskResumedData> {
  static readonly type = 'TaskResumed';
  static readonly version = 1;
  readonly type = TaskResumed.type;
  readonly version = TaskResumed.version;
}
