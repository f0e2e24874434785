import { IsText, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Lets a paused task go on with what was left of its clocks. */
export class ResumeTask extends TaskCommand {
  static readonly message = 'resume_task';

  @Optional()
  @IsText()
  readonly reason?: string;
}
