import { TaskCommand } from '../task-command.js';

/** The time of a scheduled retry has come. */
export class PerformRetry extends TaskCommand {
  /** The attempt that failed. */
  readonly attempt: number;
}
