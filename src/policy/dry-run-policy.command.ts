import { ArrayMaxSize, ArrayMinSize, IsArray } from 'class-validator';
import { IsTaskType, Optional } from '../commands/fields.js';
import { RetryFields } from '../commands/new-task.js';

const MAX_TYPES = 100;

/**
 * Decides every recorded failure again with the present code, without any effect. What is said of retries
 * stands in for what the tasks were created with.
 */
export class DryRunPolicy extends RetryFields {
  static readonly message = 'dry_run_policy';
  static readonly journaled = false as const;

  /** All when left out. */
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_TYPES)
  @IsTaskType({ each: true })
  readonly taskTypes?: readonly string[];
}
