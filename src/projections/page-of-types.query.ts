import { LIMITS } from '@taskmanager/protocol';
import { AreTaskTypes, IsCursor, IsWhole, Optional } from './query-fields.js';

/** What a query asks that lists something of task types, page by page. */
export abstract class PageOfTypes {
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
