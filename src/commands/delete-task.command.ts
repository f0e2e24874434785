import { IsText, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Takes a task out of the views; its history stays. One that is not final is cancelled with it. */
export class DeleteTask extends TaskCommand {
  static readonly message = 'delete_task';

  @Optional()
  @IsText()
  readonly reason?: string;
}
