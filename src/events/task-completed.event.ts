import type { Json } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskCompletedData {
  readonly result?: Json;
}

/** The work is done. */
export class TaskCompleted extends TaskEvent<TaskCompletedData> {
  static readonly type = 'TaskCompleted';
  static readonly version = 1;
  readonly type = TaskCompleted.type;
  readonly version = TaskCompleted.version;
}
