import { IsText, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Stops a pending or running task where it stands; all its clocks stop with it. */
export class PauseTask extends TaskCommand {
  static readonly message = 'pause_task';

  @Optional()
  @IsText()
  readonly reason?: string;
}
