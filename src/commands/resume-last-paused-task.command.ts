import { IsAppName, Optional } from './fields.js';

/** Resumes the task that was paused last. */
export class ResumeLastPausedTask {
  static readonly message = 'resume_last_paused_task';

  @Optional()
  @IsAppName()
  readonly appName?: string;
}
