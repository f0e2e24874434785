import type { Variable } from './variables.js';

/** A setting is wrong: one line that names the variable, what was given and what is allowed. */
export class SettingError extends Error {
  override readonly name = 'SettingError';

  constructor(variable: Variable, given: string | undefined, why: string = variable.allowed) {
    const shown = given === undefined ? 'missing' : variable.secret ? '(not shown)' : `"${given}"`;
    super(`${variable.name} is ${shown}; allowed: ${why}`);
  }
}
