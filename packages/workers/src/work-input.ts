import { PermanentTaskError } from '@taskmanager/client';
import { type Json, problemOfInput, type WorkRules } from '@taskmanager/protocol';

/**
 * A task's input, checked: a task can be created without the command that checks it.
 * @throws PermanentTaskError saying which field is wrong, and how
 */
export function checkedInput<Input>(input: Json | undefined, rules: WorkRules): Input {
  const problem = problemOfInput(input, rules);
  if (problem !== undefined) throw new PermanentTaskError(`This cannot be worked on: ${problem}.`);
  return input as Input;
}
