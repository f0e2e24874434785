import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { buildProgram } from '../src/program.js';

/** What the guides and the help tell people to type is what the program takes. */

const GUIDES = fileURLToPath(new URL('../../../docs/guides/', import.meta.url));
const read = (guide: string) => readFileSync(`${GUIDES}${guide}`, 'utf8');

const io = {
  input: new PassThrough(),
  output: new PassThrough().resume(),
  errors: new PassThrough().resume(),
  variables: {},
  signal: new AbortController().signal,
};
const program = () => buildProgram(io, () => async () => undefined);

/** The commands of a guide: whole lines of its shell blocks, and what stands in `backticks`. */
function commandsOf(guide: string): readonly string[] {
  const text = read(guide);
  const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block!);
  const inBlocks = blocks.flatMap((block) => block.split(/\n|&&|\|/));
  const inText = [...text.replaceAll(/```[^]*?```/g, '').matchAll(/`(taskmanager [^`]+)`/g)];
  return (
    [...inBlocks, ...inText.map(([, command]) => command!)]
      .map((line) => line.replace(/ {3,}#.*$/, '').trim())
      .filter((line) => /^(npx |timeout \w+ |xargs -n1 )?taskmanager /.test(line))
      // xargs puts an id behind it.
      .map((line) =>
        line.startsWith('xargs') ? `${line} 0190a5a0-0000-7000-8000-000000000001` : line,
      )
      .map((line) => line.replace(/^.*?taskmanager /, ''))
      .filter((line) => !line.startsWith('completion '))
  );
}

const words = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);

function leaves(group: Command, path: readonly string[] = []): readonly string[] {
  return group.commands.flatMap((command) =>
    command.commands.length > 0
      ? leaves(command, [...path, command.name()])
      : [[...path, command.name()].join(' ')],
  );
}

describe.each(['command-line.md', 'something-is-wrong.md', 'operating-workers.md'])(
  'In %s',
  (guide) => {
    it.each(commandsOf(guide))('taskmanager %s is a command', async (line) => {
      // A command that is named without what it is about is no whole line.
      const isNamed = leaves(program()).includes(line);
      if (!isNamed) await program().parseAsync(words(line), { from: 'user' });
    });
  },
);

describe('The guide of the command line', () => {
  it('names every command', () => {
    const text = read('command-line.md');
    const hidden = ['complete', 'help'];
    for (const command of leaves(program()).filter((leaf) => !hidden.includes(leaf)))
      expect(text).toContain(`\`${command}\``);
  });
});

/** The help of each command, and the commands of its examples. */
const helps = leaves(program())
  .filter((path) => !['complete', 'completion', 'help'].includes(path))
  .map((path) => {
    const command = path
      .split(' ')
      .reduce((group, word) => group.commands.find((one) => one.name() === word)!, program());
    let text = '';
    command.configureOutput({ writeOut: (written) => (text += written) }).outputHelp();
    const [, examples = ''] = text.split(/^Examples?:$/m);
    return {
      path,
      examples: [...examples.matchAll(/^ {2}taskmanager (.*)$/gm)].map(([, e]) => e!),
    };
  });

describe('The help', () => {
  it.each(helps)('of $path has examples, which are commands', async ({ path, examples }) => {
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      expect(example).toMatch(new RegExp(`^${path}( |$)`));
      await program().parseAsync(
        words(example.replaceAll(/\$\([^)]*\)/g, 'today').split(/ && | > /)[0]!),
        { from: 'user' },
      );
    }
  });
});
