import type { Json } from '@taskmanager/protocol';
import { IsPayload } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** Replaces the app's own data. */
export class UpdateTaskData extends RunnerCommand {
  static readonly message = 'update_task_data';

  @IsPayload()
  readonly data: Json;
}
