import { AreTaskTypes, IsCursor, IsPageSize, Optional } from './query-fields.js';

/** What a query asks that lists something of task types, page by page. */
export abstract class PageOfTypes {
  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsPageSize()
  readonly limit?: number;

  /** The `nextCursor` of the page before. */
  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
