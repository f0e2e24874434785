import { IsInt, IsNumber, Max, Min } from 'class-validator';
import { IsText, Optional } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** Says how far the work has come: items, or a percentage, or both (then the items count). */
export class UpdateTaskProgress extends RunnerCommand {
  static readonly message = 'update_task_progress';

  @Optional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly completedItems?: number;

  @Optional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly totalItems?: number;

  /** Percent. */
  @Optional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(100)
  readonly progress?: number;

  @Optional()
  @IsText()
  readonly message?: string;
}
