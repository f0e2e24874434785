import { type Backoff, LIMITS } from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, Max, Min } from 'class-validator';
import { IsBackoff, IsDuration, IsTaskType, Optional } from '../commands/fields.js';

const MAX_TYPES = 100;

/** Decides every recorded failure again with the present code, without any effect. */
export class DryRunPolicy {
  static readonly message = 'dry_run_policy';
  static readonly journaled = false as const;

  /** All when left out. */
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TYPES)
  @IsTaskType({ each: true })
  readonly taskTypes?: readonly string[];

  /** These stand in for what the tasks were created with. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(LIMITS.maxRetries)
  readonly maxRetries?: number;

  @Optional()
  @IsDuration()
  readonly retryDelayMs?: number;

  @Optional()
  @IsBackoff()
  readonly backoff?: Backoff;
}
