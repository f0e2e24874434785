import { TaskCommand } from '../task-command.js';

/** What pause_all_running_tasks sends to each task: one that no longer runs is left alone. */
export class PauseRunningTask extends TaskCommand {
  readonly reason?: string;
}
