import type { Define } from '../act.js';
import { id } from '../arguments.js';
import { showTask } from './show-task.js';

/** `task get`: one task in full. */
export const defineGet: Define = (group, act) => {
  group
    .command('get')
    .description('one task, in full')
    .argument('<id>', 'the task', id)
    .action(
      act(async (session, task: string) => {
        const tasks = await session.tasks();
        const found = await tasks.getTask(task, session.call);
        session.output.answer(found, () => showTask(found, session.output));
      }),
    );
};
