import type { Timeouts } from '@taskmanager/protocol';
import { TaskEvent } from './task-event.js';

export interface TaskPausedData {
  readonly reason?: string;
  readonly statusBefore: 'pending' | 'running';
  /** What was left of each clock, milliseconds. */
  readonly remaining: Timeouts;
}

/** The task stands still, and all its clocks with it. */
export class TaskPaused extends TaskEvent<TaskPausedData> {
  static readonly type = 'TaskPaused';
  static readonly version = 1;
  readonly type = TaskPaused.type;
  readonly version = TaskPaused.version;
}
