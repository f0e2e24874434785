import { TaskCommand } from '../task-command.js';

/** The time to answer an approval request has run out. */
export class ExpireApproval extends TaskCommand {
  /** Which request: when it was made, epoch milliseconds. */
  readonly requestedAt: number;
}
