import { IsText, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Ends a task whose result nobody wants any more. */
export class CancelTask extends TaskCommand {
  static readonly message = 'cancel_task';

  @Optional()
  @IsText()
  readonly reason?: string;
}
