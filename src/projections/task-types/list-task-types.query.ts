import { LIMITS } from '@taskmanager/protocol';
import { AreTaskTypes, IsCursor, IsWhole, Optional } from '../query-fields.js';

/** Types that are paused or limited, or have tasks that workers hold or may claim. */
export class ListTaskTypes {
  static readonly message = 'list_task_types';

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
