import type { Json } from '@taskmanager/protocol';
import { IsInt, Min } from 'class-validator';
import { IsLeaseMs, IsPayload, IsWorkerId, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** The worker still works. */
export class RenewLease extends TaskCommand {
  static readonly message = 'renew_lease';

  @IsWorkerId()
  readonly workerId: string;

  @IsInt()
  @Min(1)
  readonly leaseEpoch: number;

  /** As long as before when left out. */
  @Optional()
  @IsLeaseMs()
  readonly leaseMs?: number;

  @Optional()
  @IsPayload()
  readonly checkpoint?: Json;
}
