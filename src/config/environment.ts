import { readFileSync } from 'node:fs';
import { SettingError } from './setting-error.js';
import { rangeOf, type Variable } from './variables.js';

/** The environment, read through the table of variables; each method refuses what the table forbids. */
export class Environment {
  constructor(private readonly env: Readonly<Record<string, string | undefined>>) {}

  optional({ name, fallback }: Variable): string | undefined {
    const given = this.env[name]?.trim();
    return given === undefined || given === '' ? fallback : given;
  }

  text(variable: Variable): string {
    const value = this.optional(variable);
    if (value === undefined) throw new SettingError(variable, undefined);
    return value;
  }

  matching(variable: Variable, form: RegExp): string {
    const value = this.text(variable);
    if (!form.test(value)) throw new SettingError(variable, value);
    return value;
  }

  oneOf<T extends string>(variable: Variable, values: readonly T[]): T {
    const value = this.text(variable);
    const found = values.find((allowed) => allowed === value);
    if (found === undefined) throw new SettingError(variable, value);
    return found;
  }

  number(variable: Variable): number {
    const value = this.text(variable);
    const [min, max] = rangeOf(variable);
    const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(parsed >= min && parsed <= max)) throw new SettingError(variable, value);
    return parsed;
  }

  flag(variable: Variable): boolean {
    return this.oneOf(variable, ['true', 'false']) === 'true';
  }

  /** What stands in the file that the variable names. */
  fileContent(variable: Variable): string | undefined {
    const path = this.optional(variable);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new SettingError(variable, path, `a readable file (${(error as Error).message})`);
    }
  }
}
