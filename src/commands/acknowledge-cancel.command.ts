import { RunnerCommand } from './task-command.js';

/** The runner of a cancelled task has really stopped. */
export class AcknowledgeCancel extends RunnerCommand {
  static readonly message = 'acknowledge_cancel';
}
