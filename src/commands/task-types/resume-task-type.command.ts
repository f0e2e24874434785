import { IsTaskType, IsText, Optional } from '../fields.js';

/** Workers get tasks of the type again, those first who wait longest. */
export class ResumeTaskType {
  static readonly message = 'resume_task_type';
  static readonly journaled = false as const;

  @IsTaskType()
  readonly taskType: string;

  @Optional()
  @IsText()
  readonly reason?: string;
}
