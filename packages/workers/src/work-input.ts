import { PermanentTaskError, type RunningTask } from '@taskmanager/client';
import { problemOfInput, TASK_ID_PATTERN, type WorkRules } from '@taskmanager/protocol';

/**
 * A task's input, checked: a task can be created without the command that checks it. And its id and
 * attempt, for files are named after them: a worker believes no service that these lead nowhere.
 * @throws PermanentTaskError saying which field is wrong, and how
 */
export function checkedInput<Input>(
  { id, attempt, input }: Pick<RunningTask, 'id' | 'attempt' | 'input'>,
  rules: WorkRules,
): Input {
  const named = TASK_ID_PATTERN.test(id) && Number.isSafeInteger(attempt);
  const problem = named ? problemOfInput(input, rules) : 'its id is none of a task';
  if (problem !== undefined) throw new PermanentTaskError(`This cannot be worked on: ${problem}.`);
  return input as Input;
}
