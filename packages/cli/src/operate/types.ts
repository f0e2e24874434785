/** `taskmanager type …` */
import type { TaskTypeAnswer, TaskTypeInfo } from '@taskmanager/client';
import type { Define } from '../act.js';
import { list, wholeNumber } from '../arguments.js';
import type { Output } from '../output/output.js';
import { printable } from '../output/printable.js';
import { countText } from '../output/words.js';
import { type PageOptions, tellMore, withPage } from '../page.js';

interface ListOptions extends PageOptions {
  readonly type?: readonly string[];
}

interface Reason {
  readonly reason?: string;
}

export const addTypeCommands: Define = (program, act) => {
  const group = program
    .command('type')
    .description('task types: whether workers get tasks of them, and how many at once');
  withPage(
    group
      .command('list')
      .description('those that are paused or limited, or have tasks for workers'),
    100,
  )
    .option('-t, --type <type>', 'only these task types', list)
    .action(
      act(async ({ output, call, tasks }, { type, limit, cursor }: ListOptions) => {
        const { admin } = await tasks();
        const page = await admin.listTaskTypes({ taskTypes: type, limit, cursor, ...call });
        output.answer(page, ({ types, nextCursor }) => {
          if (types.length === 0) output.note('No task type is paused, limited or has tasks.');
          else showTypes(types, output);
          tellMore(nextCursor, output);
        });
      }),
    );
  for (const [verb, description] of [
    ['pause', 'let workers get no more tasks of it; those that run go on'],
    ['resume', 'let workers get tasks of it again'],
  ] as const) {
    group
      .command(verb)
      .description(description)
      .argument('<type>', 'the task type')
      .option('-r, --reason <text>', 'for the record')
      .action(
        act(async ({ output, call, tasks }, type: string, { reason }: Reason) => {
          const { admin } = await tasks();
          const answer =
            verb === 'pause'
              ? await admin.pauseTaskType(type, reason, call)
              : await admin.resumeTaskType(type, reason, call);
          output.answer(answer, (now) => tell(now, output));
        }),
      );
  }
  group
    .command('limit')
    .description('how many tasks of it all workers together may hold at once')
    .argument('<type>', 'the task type')
    .argument('<max>', 'so many, those over it go on; or none: as many as they like', limit)
    .option('-r, --reason <text>', 'for the record')
    .action(
      act(async ({ output, call, tasks }, type: string, max: number | null, { reason }: Reason) => {
        const { admin } = await tasks();
        const answer = await admin.limitTaskType(type, max, reason, call);
        output.answer(answer, (now) => tell(now, output));
      }),
    );
};

const limit = (text: string): number | null =>
  text === 'none' ? null : wholeNumber(1, 1_000_000)(text);

function tell({ taskType, paused, maxRunning }: TaskTypeAnswer, output: Output): void {
  const given = paused ? 'is paused: workers get none of its tasks' : 'is not paused';
  const limit = maxRunning === undefined ? 'without a limit' : `${countText(maxRunning)} at once`;
  output.line(`${printable(taskType)} ${given}; ${limit}.`);
}

function showTypes(types: readonly TaskTypeInfo[], output: Output): void {
  const { paint } = output;
  output.table(
    [
      { title: 'TYPE', value: ({ taskType }) => taskType },
      {
        title: 'STATE',
        value: ({ paused }) => (paused ? 'paused' : 'open'),
        paint: (text, { paused }) => (paused ? paint.yellow(text) : paint.green(text)),
      },
      { title: 'HELD', value: ({ held }) => countText(held), align: 'right' },
      {
        title: 'LIMIT',
        value: ({ maxRunning }) => (maxRunning === undefined ? undefined : countText(maxRunning)),
        align: 'right',
      },
      { title: 'PENDING', value: ({ pending }) => countText(pending), align: 'right' },
      { title: 'BY', value: ({ paused }) => paused?.by, optional: true },
      { title: 'SINCE', value: ({ paused }) => output.time(paused?.at), optional: true },
      { title: 'WHY', value: ({ paused }) => paused?.reason, shrinkTo: 10, optional: true },
    ],
    types,
  );
}
