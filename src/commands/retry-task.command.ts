import { IsBoolean } from 'class-validator';
import { IsText, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Takes a failed task up again by hand. */
export class RetryTask extends TaskCommand {
  static readonly message = 'retry_task';

  /** Needed when it is forced. */
  @Optional()
  @IsText()
  readonly reason?: string;

  /** Past its last retry: for admins, who say why. */
  @Optional()
  @IsBoolean()
  readonly force?: boolean;
}
