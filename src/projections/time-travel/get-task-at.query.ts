import { IsTaskId, IsTime, IsWhole, Optional } from '../query-fields.js';

/** A task as it was: after one of its events, or at a time. Exactly one of the two is given. */
export class GetTaskAt {
  static readonly message = 'get_task_at';

  @IsTaskId()
  readonly id: string;

  /** After the event of this number. */
  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  readonly revision?: number;

  /** After the last event that is not later. */
  @Optional()
  @IsTime()
  readonly at?: number;
}
