import { IsLeaseMs, IsText, IsWorkerId, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** Runs a pending task, or takes a running one without a lease up again. */
export class StartTask extends TaskCommand {
  static readonly message = 'start_task';

  @Optional()
  @IsText()
  readonly reason?: string;

  @Optional()
  @IsWorkerId()
  readonly workerId?: string;

  /** Without it there is no lease: the task runs until somebody says otherwise. */
  @Optional()
  @IsLeaseMs()
  readonly leaseMs?: number;
}
