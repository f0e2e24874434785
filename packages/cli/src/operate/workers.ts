/** `taskmanager worker …` */
import type { WorkerInfo } from '@taskmanager/client';
import type { Define } from '../act.js';
import { list } from '../arguments.js';
import type { Output } from '../output/output.js';
import { countText } from '../output/words.js';
import { type PageOptions, tellMore, withPage } from '../page.js';

interface ListOptions extends PageOptions {
  readonly type?: readonly string[];
}

export const addWorkerCommands: Define = (program, act) => {
  const group = program.command('worker').description('programs that claim tasks and do them');
  withPage(
    group
      .command('list')
      .description('who claims at the asked process, and who holds tasks of any'),
    100,
  )
    .option('-t, --type <type>', 'only of these task types', list)
    .action(
      act(async ({ output, call, tasks }, { type, limit, cursor }: ListOptions) => {
        const client = await tasks();
        const page = await client.listWorkers({ taskTypes: type, limit, cursor }, call);
        output.answer(page, ({ workers, nextCursor, more }) => {
          if (workers.length === 0) output.note('No worker claims or holds tasks.');
          else showWorkers(workers, output);
          if (more) output.note('So many tasks are held that some workers may hold more.');
          tellMore(nextCursor, output);
        });
      }),
    );
};

function showWorkers(workers: readonly WorkerInfo[], output: Output): void {
  output.table(
    [
      { title: 'WORKER', value: ({ workerId }) => workerId },
      { title: 'BY', value: ({ actor }) => actor, optional: true },
      { title: 'WAITING', value: ({ waiting }) => countText(waiting), align: 'right' },
      { title: 'HOLDS', value: ({ holding }) => countText(holding), align: 'right' },
      { title: 'LAST SEEN', value: ({ lastSeenAt }) => output.time(lastSeenAt), optional: true },
      { title: 'TYPES', value: ({ taskTypes }) => taskTypes.join(', '), shrinkTo: 10 },
    ],
    workers,
  );
}
