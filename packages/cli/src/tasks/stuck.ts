import type { Define } from '../act.js';
import { duration, wholeNumber } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { durationText } from '../output/words.js';

interface StuckOptions {
  readonly grace?: number;
  readonly limit: number;
  readonly cursor?: string;
}

/** `task stuck`: what time or a processor should have moved and has not. */
export const defineStuck: Define = (group, act) => {
  group
    .command('stuck')
    .description('tasks that should have been moved and were not; none: all is well')
    .option('--grace <duration>', 'only those that are overdue by more than this (10s)', duration)
    .option('-n, --limit <number>', 'at most so many', wholeNumber(1, 500), 50)
    .option('--cursor <cursor>', 'go on where an earlier list ended')
    .addHelpText('after', '\nExit code 3: there are some.')
    .action(
      act(async ({ output, call, tasks }, { grace, limit, cursor }: StuckOptions) => {
        const { admin } = await tasks();
        const page = await admin.listStuckTasks({ graceMs: grace, limit, cursor, ...call });
        output.answer(page, ({ tasks: found, nextCursor }) => {
          if (found.length === 0) output.note('No task is stuck.');
          else
            output.table(
              [
                { title: 'TASK', value: ({ taskId }) => taskId },
                { title: 'STATUS', value: ({ status }) => status, optional: true },
                { title: 'WAITS FOR', value: ({ kind }) => kind },
                {
                  title: 'OVERDUE',
                  value: ({ overdueMs }) => durationText(overdueMs),
                  align: 'right',
                },
                { title: 'WHY', value: ({ reasons }) => reasons[0]?.text, shrinkTo: 12 },
              ],
              found,
            );
          if (nextCursor !== undefined) output.note(`There are more: --cursor ${nextCursor}`);
        });
        return page.tasks.length === 0 ? ExitCode.Done : ExitCode.Found;
      }),
    );
};
