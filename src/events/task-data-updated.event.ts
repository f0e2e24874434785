import type { Json } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskDataUpdatedData {
  readonly data: Json;
}

/** The app's own data was replaced. */
export class TaskDataUpdated extends TaskEvent<TaskDataUpdatedData> {
  static readonly type = 'TaskDataUpdated';
  static readonly version = 1;
  readonly type = TaskDataUpdated.type;
  readonly version = TaskDataUpdated.version;
}
