/** `task export` and `task import`: a task with its whole history as a file, for another service. */
import { Readable } from 'node:stream';
import type { CommandOptions, ImportAnswer, TaskManager } from '@taskmanager/client';
import type { Define } from '../act.js';
import { id } from '../arguments.js';
import { assertFree, type FileOptions, linesOf, writeOut } from '../files.js';
import { printable } from '../output/printable.js';
import { countText } from '../output/words.js';

/** What the client does about files of tasks: it reads and checks lines of NDJSON. */
interface TaskFiles {
  exportTask(task: string, options?: CommandOptions): AsyncIterable<string>;
  /** From a function, which is called twice, it keeps little in memory. */
  importTask(
    lines: AsyncIterable<string> | (() => AsyncIterable<string>),
    options?: CommandOptions,
  ): Promise<ImportAnswer>;
}

const filesOf = (tasks: TaskManager) => tasks as unknown as TaskFiles;

export const defineMove: Define = (group, act) => {
  group
    .command('export')
    .description('a task with its whole history as one file, to be imported elsewhere')
    .argument('<id>', 'the task', id)
    .option('-o, --out <file>', 'into this file instead of standard output')
    .option('--force', 'replace the file when it is there')
    .action(
      act(async (session, task: string, options: FileOptions) => {
        const { out, force } = options;
        if (out !== undefined && out !== '-') await assertFree(out, force ?? false);
        const lines = filesOf(await session.tasks()).exportTask(task, session.call);
        await writeOut(options, session.io, Readable.from(ended(lines)));
        if (out !== undefined && out !== '-') session.output.note(`It is in ${printable(out)}.`);
      }),
    );
  group
    .command('import')
    .description('read a task that another service has exported; read-only here; asks before')
    .argument('<file>', 'what task export wrote; - for standard input')
    .action(
      act(async (session, file: string) => {
        const { output } = session;
        await session.confirm(
          () => `Import the task of ${file}? What is imported cannot be taken out again.`,
        );
        const tasks = filesOf(await session.tasks());
        const open = () => linesOf(file, session.io);
        // Standard input can be read only once.
        const answer = await tasks.importTask(file === '-' ? open() : open, session.call);
        output.answer(answer, ({ taskId, events, refusals, repeated }) => {
          const held = `${countText(events)} events and ${countText(refusals)} refusals`;
          const before = repeated ? 'It was here already' : 'It is here now';
          output.line(`${before}, verified and read-only: task ${taskId}, ${held}.`);
        });
      }),
    );
};

async function* ended(lines: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const line of lines) yield line.endsWith('\n') ? line : `${line}\n`;
}
