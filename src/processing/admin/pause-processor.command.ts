import { IsProcessorName, IsReason, Optional } from './admin-fields.js';

/** The processor handles nothing more, also after a restart, until it is resumed. */
export class PauseProcessor {
  static readonly message = 'pause_processor';

  @IsProcessorName()
  readonly name: string;

  /** For the service's log. */
  @Optional()
  @IsReason()
  readonly reason?: string;
}
