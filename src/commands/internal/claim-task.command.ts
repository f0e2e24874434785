import { TaskCommand } from '../task-command.js';

/** What a claim sends to each task it wants: a start under a lease. */
export class ClaimTask extends TaskCommand {
  readonly workerId: string;
  readonly leaseMs: number;
  /** Effective id of the claim_tasks command. */
  readonly claimId: string;
}
