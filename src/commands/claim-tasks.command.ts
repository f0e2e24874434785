import { LIMITS } from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, Max, Min } from 'class-validator';
import { IsLeaseMs, IsTaskType, IsWorkerId, Optional } from './fields.js';

/** Gives a worker pending tasks of its types, each under a lease. */
export class ClaimTasks {
  static readonly message = 'claim_tasks';

  @IsWorkerId()
  readonly workerId: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @IsTaskType({ each: true })
  readonly taskTypes: readonly string[];

  @Optional()
  @IsLeaseMs()
  readonly leaseMs?: number;

  /** 1 when left out. */
  @Optional()
  @IsInt()
  @Min(1)
  @Max(LIMITS.claim)
  readonly limit?: number;

  /** How long to wait for the first task, milliseconds. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(LIMITS.waitMs)
  readonly waitMs?: number;
}
