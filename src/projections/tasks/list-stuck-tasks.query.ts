import { LIMITS } from '@taskmanager/protocol';
import { IsCursor, IsPageSize, IsWhole, Optional } from '../query-fields.js';

/** Tasks that time or a processor should have moved and has not. */
export class ListStuckTasks {
  static readonly message = 'list_stuck_tasks';

  /** How late a timer may be, milliseconds; 10,000 when left out. */
  @Optional()
  @IsWhole(0, LIMITS.durationMs)
  readonly graceMs?: number;

  @Optional()
  @IsPageSize()
  readonly limit?: number;

  @Optional()
  @IsCursor()
  readonly cursor?: string;
}
