import type { TaskStatus } from '@taskmanager/protocol';
import { TaskCommand } from '../task-command.js';

/** What cleanup_tasks sends to each task: one that no longer fits is left alone. */
export class CleanUpTask extends TaskCommand {
  readonly statuses: readonly TaskStatus[];
  /** Epoch milliseconds. */
  readonly completedBefore: number;
}
