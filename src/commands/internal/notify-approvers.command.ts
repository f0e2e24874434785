import { TaskCommand } from '../task-command.js';

/** Approvers are to be told that a task waits for them. */
export class NotifyApprovers extends TaskCommand {
  /** Which request: when it was made, epoch milliseconds. */
  readonly requestedAt: number;
  readonly kind: 'requested' | 'reminder' | 'escalation';
}
