import { TaskCommand } from '../task-command.js';

/** The time of a lease has run out. */
export class ExpireLease extends TaskCommand {
  readonly leaseEpoch: number;
}
