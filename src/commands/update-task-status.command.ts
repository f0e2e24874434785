import { type Json, type TaskStatus, VISIBLE_STATUSES } from '@taskmanager/protocol';
import { IsIn } from 'class-validator';
import { IsPayload, IsText, Optional } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** The general door: sends the one command that leads to the wanted status. */
export class UpdateTaskStatus extends RunnerCommand {
  static readonly message = 'update_task_status';

  @IsIn(VISIBLE_STATUSES)
  readonly status: TaskStatus;

  @Optional()
  @IsText()
  readonly error?: string;

  @Optional()
  @IsPayload()
  readonly result?: Json;

  @Optional()
  @IsText()
  readonly reason?: string;
}
