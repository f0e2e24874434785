import { VARIABLES, type Variable } from './variables.js';

/** Every setting as text: what `--help` prints. */
export function settingsHelp(): string {
  const variables = Object.values<Variable>(VARIABLES);
  const width = Math.max(...variables.map(({ name }) => name.length)) + 1;
  const lines = variables.map(
    ({ name, meaning, allowed, fallback }) =>
      `  ${name.padEnd(width)}${meaning}\n${' '.repeat(width + 2)}${allowed}${
        fallback === undefined ? '' : `; default ${fallback}`
      }`,
  );
  return [
    'TaskManager runs and remembers long-running tasks for other programs.',
    '',
    'Usage: node dist/main.js [--help]',
    '',
    'It is set up by environment variables:',
    '',
    ...lines,
  ].join('\n');
}

/** The same as a Markdown table, for the docs. */
export function settingsTable(): string {
  const rows = Object.values<Variable>(VARIABLES).map(
    ({ name, meaning, allowed, fallback }) =>
      `| \`${name}\` | ${meaning} | ${allowed} | ${fallback === undefined ? '–' : `\`${fallback}\``} |`,
  );
  return ['| variable | meaning | allowed | default |', '|---|---|---|---|', ...rows].join('\n');
}
