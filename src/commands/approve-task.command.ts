import { IsText, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Votes yes. */
export class ApproveTask extends TaskCommand {
  static readonly message = 'approve_task';

  @Optional()
  @IsText()
  readonly comment?: string;
}
