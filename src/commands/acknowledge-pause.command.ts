import type { Json } from '@taskmanager/protocol';
import { IsPayload, Optional } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** The runner of a paused task has really stopped. */
export class AcknowledgePause extends RunnerCommand {
  static readonly message = 'acknowledge_pause';

  @Optional()
  @IsPayload()
  readonly checkpoint?: Json;
}
