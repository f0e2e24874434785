import type { Json } from '@taskmanager/protocol';
import { IsPayload, Optional } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** The work is done. On a task that waits for approval it is a vote. */
export class CompleteTask extends RunnerCommand {
  static readonly message = 'complete_task';

  @Optional()
  @IsPayload()
  readonly result?: Json;
}
