import { IsStatement } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** Notes that something went wrong; the status stays. */
export class UpdateTaskError extends RunnerCommand {
  static readonly message = 'update_task_error';

  @IsStatement()
  readonly error: string;
}
