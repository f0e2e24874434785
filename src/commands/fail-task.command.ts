import { IsBoolean } from 'class-validator';
import { IsStatement, Optional } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** This attempt is lost; operators may say so too. */
export class FailTask extends RunnerCommand {
  static readonly message = 'fail_task';

  @IsStatement()
  readonly error: string;

  /** False: trying again cannot help. True when left out. */
  @Optional()
  @IsBoolean()
  readonly retryable?: boolean;
}
