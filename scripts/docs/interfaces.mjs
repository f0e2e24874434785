/** Fields of interfaces, read from their source. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const read = (path) => readFileSync(join(ROOT, path), 'utf8');

/** The fields of an interface, as its source has them: types are gone once it runs. */
export function interfaceOf(path, name) {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(
    read(path),
  )?.[1];
  if (body === undefined) {
    if (new RegExp(`export type ${name} = Readonly<Record<string, never>>`).test(read(path)))
      return [];
    throw new Error(`${path} has no interface ${name}.`);
  }
  return [...body.matchAll(/^ {2}readonly ([$\w]+)(\??): ([^;]+);/gm)].map(
    ([, field, mark, type]) => ({
      name: field,
      optional: mark === '?',
      type: typeOf(type.replaceAll('readonly ', '').replace(/^Readonly<(.*)>$/, '$1')),
    }),
  );
}

/** Types with a name, and where their fields stand. */
const NAMED = {
  Actor: 'packages/protocol/src/actor.ts',
  Approval: 'packages/protocol/src/task-info.ts',
  Backoff: 'packages/protocol/src/task-info.ts',
  Timeouts: 'packages/protocol/src/task-info.ts',
  Deadlines: 'src/events/deadlines.ts',
};
const WORDS = {
  Json: 'any JSON',
  string: 'text',
  number: 'number',
  boolean: 'true or false',
  'string[]': 'list of texts',
  'Record<string, string>': 'object of texts',
  RunBy: '`app` or `worker`',
  OnApproved: '`resume` or `complete`',
  TaskStatus: 'a [status](guides/tasks-and-states.md)',
};

function typeOf(type) {
  if (type in NAMED) {
    const fields = interfaceOf(NAMED[type], type);
    return `\`{ ${fields.map(({ name, optional }) => name + (optional ? '?' : '')).join(', ')} }\``;
  }
  if (/^'/.test(type))
    return type
      .split(' | ')
      .map((one) => `\`${one.slice(1, -1)}\``)
      .join(', ');
  // Types inside of types are shown by the names of their fields only.
  return WORDS[type] ?? type;
}
