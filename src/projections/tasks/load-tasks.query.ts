import { LIMITS } from '@taskmanager/protocol';
import { AreTaskTypes, IsAppName, IsCursor, IsWhole, Optional } from '../query-fields.js';

/** Fields of the two queries with which a program takes its work up again: the oldest tasks first. */
export abstract class LoadTasks {
  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsAppName()
  readonly appName?: string;

  @Optional()
  @IsWhole(1, LIMITS.listPage)
  readonly limit?: number;

  /** From the page before, with the same taskTypes and appName. */
  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
