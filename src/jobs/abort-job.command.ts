import { IsUUID } from 'class-validator';
import { IsReason, Optional } from '../context/message-fields.js';

/** Ends a job; what it has made so far is taken back. */
export class AbortJob {
  static readonly message = 'abort_job';

  @IsUUID()
  readonly jobId: string;

  /** For people: why. */
  @Optional()
  @IsReason()
  readonly reason?: string;
}
