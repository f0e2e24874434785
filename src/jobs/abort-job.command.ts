import { IsString, IsUUID, MaxLength, MinLength, ValidateIf } from 'class-validator';

/** Ends a job; what it has made so far is taken back. */
export class AbortJob {
  static readonly message = 'abort_job';

  @IsUUID()
  readonly jobId: string;

  /** For people: why. */
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @MinLength(1)
  @MaxLength(1_000)
  readonly reason?: string;
}
