import { AreTaskTypes, IsAppName, Optional } from '../query-fields.js';

/** How many tasks there are, by status and type; from counters, so at once. */
export class TaskStats {
  static readonly message = 'task_stats';

  @Optional()
  @AreTaskTypes()
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsAppName()
  readonly appName?: string;
}
