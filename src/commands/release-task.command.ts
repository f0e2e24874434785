import type { Json } from '@taskmanager/protocol';
import { IsInt, Min } from 'class-validator';
import { IsPayload, IsText, IsWorkerId, Optional } from './fields.js';
import { TaskCommand } from './task-command.js';

/** The worker hands the task back: neither a stall nor a retry. */
export class ReleaseTask extends TaskCommand {
  static readonly message = 'release_task';

  @IsWorkerId()
  readonly workerId: string;

  @IsInt()
  @Min(1)
  readonly leaseEpoch: number;

  @Optional()
  @IsPayload()
  readonly checkpoint?: Json;

  @Optional()
  @IsText()
  readonly reason?: string;
}
