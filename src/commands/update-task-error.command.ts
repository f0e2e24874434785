import { IsStatement } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Notes that something went wrong; the status stays. */
export class UpdateTaskError extends TaskCommand {
  static readonly message = 'update_task_error';

  @IsStatement()
  readonly error: string;
}
