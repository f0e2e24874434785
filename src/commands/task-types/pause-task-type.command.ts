import { IsTaskType, IsText, Optional } from '../fields.js';

/** No worker gets tasks of the type until it is resumed; those that run go on. */
export class PauseTaskType {
  static readonly message = 'pause_task_type';
  static readonly journaled = false as const;

  @IsTaskType()
  readonly taskType: string;

  @Optional()
  @IsText()
  readonly reason?: string;
}
