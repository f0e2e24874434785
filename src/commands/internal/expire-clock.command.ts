import { TaskCommand } from '../task-command.js';

/** One of the clocks of a task has run out. */
export class ExpireClock extends TaskCommand {
  readonly clock: 'queue' | 'run' | 'total';
  /** The deadline that passed, epoch milliseconds: a later one is another matter. */
  readonly dueAt: number;
}
