import type { Json } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskPauseAcknowledgedData {
  readonly checkpoint?: Json;
}

/** The runner has really stopped; a lease ends with it. */
export class TaskPauseAcknowledged extends TaskEvent<TaskPauseAcknowledgedData> {
  static readonly type = 'TaskPauseAcknowledged';
  static readonly version = 1;
  readonly type = TaskPauseAcknowledged.type;
  readonly version = TaskPauseAcknowledged.version;
}
