import type { Json } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskReleasedData {
  readonly checkpoint?: Json;
  readonly reason?: string;
}

/** The worker handed the task back: neither a stall nor a retry. */
export class TaskReleased extends TaskEvent<TaskReleasedData> {
  static readonly type = 'TaskReleased';
  static readonly version = 1;
  readonly type = TaskReleased.type;
  readonly version = TaskReleased.version;
}
