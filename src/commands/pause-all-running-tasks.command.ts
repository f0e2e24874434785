import { IsAppName, IsTaskType, IsText, Optional } from './fields.js';

/** Pauses every running task that fits, up to 1,000 a call. */
export class PauseAllRunningTasks {
  static readonly message = 'pause_all_running_tasks';

  @Optional()
  @IsAppName()
  readonly appName?: string;

  @Optional()
  @IsTaskType()
  readonly taskType?: string;

  @Optional()
  @IsText()
  readonly reason?: string;
}
