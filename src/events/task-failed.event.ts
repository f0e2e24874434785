import { TaskEvent } from './task-event.js';

export interface TaskFailedData {
  readonly error: string;
  readonly retryable: boolean;
  /** persistent, retryable and retries left: the retry saga takes it from here. */
  readonly willRetry: boolean;
}

/** This attempt is lost. */
export class TaskFailed extends TaskEvent<TaskFailedData> {
  static readonly type = 'TaskFailed';
  static readonly version = 1;
  readonly type = TaskFailed.type;
  readonly version = TaskFailed.version;
}
