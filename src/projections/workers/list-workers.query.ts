import { LIMITS } from '@taskmanager/protocol';
import { AreTaskTypes, IsCursor, IsWhole, Optional } from '../query-fields.js';

/** Workers that claim tasks at this process, and those that hold tasks, whoever gave them out. */
export class ListWorkers {
  static readonly message = 'list_workers';

  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsWhole(1, LIMITS.listPage)
  readonly limit?: number;

  /** The `nextCursor` of the page before. */
  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
