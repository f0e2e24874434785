import { JOB_STATES, type JobState, LIMITS } from '@taskmanager/protocol';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsUUID,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';

/** The field may be left out; `null` is a value like any other. */
const Optional = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

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
  @IsInt()
  @Min(1)
  @Max(LIMITS.listPage)
  readonly limit?: number;

  /** From the page before; `states` must be as they were. */
  @Optional()
  @IsUUID()
  readonly cursor?: string;
}
