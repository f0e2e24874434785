import type { CommandAnswer } from '@taskmanager/protocol';
import type { CommandContext } from '../context/index.js';
import type { AnyTaskEvent } from '../events/index.js';
import type { Task } from '../task/index.js';

/** What a command about one task came to. */
export interface Outcome {
  readonly answer: CommandAnswer;
  readonly task: Task;
}

/** What to do, and how to decide it. */
export interface Execution {
  readonly taskId: string;
  /** The message's name, for the record of a refusal. */
  readonly command: string;
  readonly context: CommandContext;
  /** The events; none changes nothing. Throws {@link Refusal}. `task` is undefined when there is none yet. */
  readonly decide: (task: Task | undefined, context: CommandContext) => readonly AnyTaskEvent[];
  /** The command makes the task: a stream never seen is taken for empty without reading. */
  readonly creates?: true;
  /** Whether a command that meets this task was its creation, sent again under another id. */
  readonly createdBefore?: (task: Task) => boolean;
}
