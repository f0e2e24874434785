import { IsCursor, IsPageSize, IsProcessorName, Optional } from './admin-fields.js';

/** What could not be handled, one event a task: by processor, in the order of the log. */
export class ListParkedEvents {
  static readonly message = 'list_parked_events';

  /** All when left out. */
  @Optional()
  @IsProcessorName()
  readonly processor?: string;

  @Optional()
  @IsPageSize()
  readonly limit?: number;

  /** From the page before; `processor` must be as it was. */
  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
