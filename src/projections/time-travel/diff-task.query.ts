import { IsTaskId, IsTime, IsWhole, Optional } from '../query-fields.js';

/** What changed between two points of a task's life. Exactly one `from…`, at most one `to…`. */
export class DiffTask {
  static readonly message = 'diff_task';

  @IsTaskId()
  readonly id: string;

  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  readonly fromRevision?: number;

  @Optional()
  @IsTime()
  readonly fromAt?: number;

  /** As it is now when left out, and toAt too. */
  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  readonly toRevision?: number;

  @Optional()
  @IsTime()
  readonly toAt?: number;
}
