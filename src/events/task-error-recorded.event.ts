import { TaskEvent } from './task-event.js';

export interface TaskErrorRecordedData {
  readonly error: string;
}

/** A note that something went wrong; the status stays. */
export class TaskErrorRecorded extends TaskEvent<TaskErrorRecordedData> {
  static readonly type = 'TaskErrorRecorded';
  static readonly version = 1;
  readonly type = TaskErrorRecorded.type;
  readonly version = TaskErrorRecorded.version;
}
