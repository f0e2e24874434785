import { IsUUID } from 'class-validator';

/** How far a job is, or what came of it. */
export class GetJob {
  static readonly message = 'get_job';

  @IsUUID()
  readonly jobId: string;
}
