import { IsStatement } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Says no: one is enough, and the task fails. */
export class RejectTask extends TaskCommand {
  static readonly message = 'reject_task';

  @IsStatement()
  readonly reason: string;
}
