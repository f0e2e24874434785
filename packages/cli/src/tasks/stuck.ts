import type { Define } from '../act.js';
import { duration } from '../arguments.js';
import { ExitCode } from '../exit-codes.js';
import { durationText } from '../output/words.js';
import { type PageOptions, tellMore, withPage } from '../page.js';

interface StuckOptions extends PageOptions {
  readonly grace?: number;
}

/** `task stuck`: what time or a processor should have moved and has not. */
export const defineStuck: Define = (group, act) => {
  withPage(
    group
      .command('stuck')
      .description('tasks that should have been moved and were not; none: all is well'),
  )
    .option('--grace <duration>', 'only those that are overdue by more than this (10s)', duration)
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
          tellMore(nextCursor, output);
        });
        return page.tasks.length === 0 ? ExitCode.Done : ExitCode.Found;
      }),
    );
};
