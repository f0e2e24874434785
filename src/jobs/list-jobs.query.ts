import { JOB_STATES, type JobState } from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsUUID } from 'class-validator';
import { IsPageSize, Optional } from '../context/message-fields.js';

/** Jobs of the data folder, the newest first. */
export class ListJobs {
  static readonly message = 'list_jobs';

  /** All when left out. */
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(JOB_STATES.length)
  @IsIn(JOB_STATES, { each: true })
  readonly states?: readonly JobState[];

  @Optional()
  @IsPageSize()
  readonly limit?: number;

  /** From the page before; `states` must be as they were. */
  @Optional()
  @IsUUID()
  readonly cursor?: string;
}
