/** `task export` and `task import`: a task with its whole history as a file, for another service. */
import { Readable } from 'node:stream';
import type { Define } from '../act.js';
import { id } from '../arguments.js';
import { type FileOptions, freeFile, linesOf, withOut, writeOut } from '../files.js';
import { printable } from '../output/printable.js';
import { amountText } from '../output/words.js';

export const defineMove: Define = (group, act) => {
  withOut(
    group
      .command('export')
      .description('a task with its whole history as one file, to be imported elsewhere')
      .argument('<id>', 'the task', id),
  ).action(
    act(async (session, task: string, options: FileOptions) => {
      const file = await freeFile(options);
      const lines = (await session.tasks()).exportTask(task, session.call);
      await writeOut(options, session.io, Readable.from(ended(lines)));
      if (file !== undefined) session.output.note(`It is in ${printable(file)}.`);
    }),
  );
  group
    .command('import')
    .description('read a task that another service has exported; read-only here; asks before')
    .argument('<file>', 'what task export wrote; - for standard input')
    .option('--anew', 'leave alone what came of an import that was never completed')
    .action(
      act(async (session, file: string, { anew }: { readonly anew?: true }) => {
        const { output } = session;
        await session.confirm(
          () => `Import the task of ${file}? What is imported cannot be taken out again.`,
        );
        const tasks = await session.tasks();
        // A file is read twice, standard input is kept: all is checked before anything is sent.
        const open = () => linesOf(file, session.io);
        const lines = file === '-' ? open() : open;
        const answer = await tasks.importTask(lines, { ...session.call, anew });
        output.answer(answer, ({ taskId, events, refusals, repeated }) => {
          const held = `${amountText(events, 'event')} and ${amountText(refusals, 'refusal')}`;
          const before = repeated ? 'It was here already' : 'It is here now';
          output.line(`${before}, verified and read-only: task ${taskId}, ${held}.`);
        });
      }),
    );
};

async function* ended(lines: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const line of lines) yield `${line}\n`;
}
