import type { Define } from '../act.js';
import { id } from '../arguments.js';
import { printable } from '../output/printable.js';
import { inColourOf } from './status-paint.js';

/** `task explain`: why a task stands where it stands. */
export const defineExplain: Define = (group, act) => {
  group
    .command('explain')
    .description('why a task stands where it stands, what it waits for, and until when')
    .argument('<id>', 'the task', id)
    .action(
      act(async (session, task: string) => {
        const { output, call } = session;
        const explained = await (await session.tasks()).explainTask(task, call);
        output.answer(explained, ({ status, reasons }) => {
          output.line(`It is ${inColourOf(status, status, output)}.`);
          for (const { text, until, by } of reasons) {
            const due = until === undefined ? [] : [`until ${output.time(until)}`];
            const about = [...due, ...(by === undefined ? [] : [`by ${by}`])];
            const more =
              about.length === 0 ? '' : output.paint.dim(` (${printable(about.join(', '))})`);
            output.line(`- ${printable(text)}${more}`);
          }
        });
      }),
    );
};
