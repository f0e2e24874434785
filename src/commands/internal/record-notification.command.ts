import { TaskCommand } from '../task-command.js';

/** Approvers were told, and how that went. */
export class RecordNotification extends TaskCommand {
  /** Which request: when it was made, epoch milliseconds. */
  readonly requestedAt: number;
  readonly kind: 'requested' | 'reminder' | 'escalation';
  readonly channel: string;
  readonly outcome: string;
}
