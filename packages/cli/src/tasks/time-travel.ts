/** `task at` and `task diff`: a task as it was, and what changed between two points of its life. */
import type { TaskDiff, TaskPoint } from '@taskmanager/client';
import type { Define } from '../act.js';
import { id, point } from '../arguments.js';
import type { Output } from '../output/output.js';
import { printable, safeJson } from '../output/printable.js';
import { showTask } from './show-task.js';

export const defineTimeTravel: Define = (group, act) => {
  group
    .command('at')
    .description('a task as it was after a revision, or at a time')
    .argument('<id>', 'the task; a deleted one, too', id)
    .argument('<point>', 'a revision, a time, or so long ago, e.g. 2h', point)
    .addHelpText(
      'after',
      `
Examples:
  taskmanager task at 0190a5a0-0000-7000-8000-000000000001 4
  taskmanager task at 0190a5a0-0000-7000-8000-000000000001 "2026-07-01 12:30"`,
    )
    .action(
      act(async (session, task: string, at: TaskPoint) => {
        const then = await (await session.tasks()).getTaskAt(task, at, session.call);
        session.output.answer(then, () => showTask(then, session.output));
      }),
    );
  group
    .command('diff')
    .description('what changed between two points of a task’s life, field by field')
    .argument('<id>', 'the task; a deleted one, too', id)
    .argument('<from>', 'a revision, a time, or so long ago, e.g. 2h', point)
    .argument('[to]', 'likewise; now when left out', point)
    .action(
      act(async (session, task: string, from: TaskPoint, to: TaskPoint | undefined) => {
        const tasks = await session.tasks();
        const diff = await tasks.diffTask(task, from, to ?? {}, session.call);
        session.output.answer(diff, () => showDiff(diff, session.output));
      }),
    );
};

function showDiff({ from, to, changes }: TaskDiff, output: Output): void {
  const { paint } = output;
  const named = ({ revision, at }: TaskDiff['from']) => `revision ${revision} (${output.time(at)})`;
  output.line(`From ${named(from)} to ${named(to)}:`);
  if (changes.length === 0) output.line('nothing changed.');
  for (const { path, before, after } of changes) {
    output.line(paint.bold(printable(path)));
    if (before !== undefined) output.line(paint.red(`- ${safeJson(before)}`));
    if (after !== undefined) output.line(paint.green(`+ ${safeJson(after)}`));
  }
}
