import { IsProcessorName } from './admin-fields.js';

/** The processor goes on from where it was paused. */
export class ResumeProcessor {
  static readonly message = 'resume_processor';

  @IsProcessorName()
  readonly name: string;
}
