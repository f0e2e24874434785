import { LIMITS } from '@taskmanager/protocol';
import { Matches } from 'class-validator';
import { IsTaskId, IsWhole, Optional } from '../query-fields.js';

/** Everything that is kept of a task, as it lies in the log, to be imported elsewhere. */
export class ExportTask {
  static readonly message = 'export_task';

  @IsTaskId()
  readonly id: string;

  @Optional()
  @IsWhole(1, LIMITS.eventPage)
  readonly limit?: number;

  /** From the page before. */
  @Optional()
  @Matches(/^(events|refusals):[0-9]{1,15}$/, { message: '$property is of no page before' })
  readonly cursor?: string;
}
