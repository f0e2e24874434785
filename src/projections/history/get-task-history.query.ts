import { LIMITS } from '@taskmanager/protocol';
import { IsIn } from 'class-validator';
import { IsTaskId, IsWhole, Optional } from '../query-fields.js';

/** What happened to a task, event by event; of a deleted one too. */
export class GetTaskHistory {
  static readonly message = 'get_task_history';

  @IsTaskId()
  readonly id: string;

  /** Inclusive. The first event when left out; backwards, the last. */
  @Optional()
  @IsWhole(0, Number.MAX_SAFE_INTEGER)
  readonly fromRevision?: number;

  @Optional()
  @IsWhole(1, LIMITS.eventPage)
  readonly limit?: number;

  /** forwards when left out. */
  @Optional()
  @IsIn(['forwards', 'backwards'])
  readonly direction?: 'forwards' | 'backwards';
}
