/** `taskmanager processor …` */
import type { ProcessorInfo } from '@taskmanager/client';
import type { Define } from '../act.js';
import type { Output } from '../output/output.js';
import { printable } from '../output/printable.js';
import { countText } from '../output/words.js';

export const addProcessorCommands: Define = (program, act) => {
  const group = program
    .command('processor')
    .description('projections, sagas and publishers: whatever reads the log');
  group
    .command('list')
    .description('how each of them is doing')
    .action(
      act(async ({ output, call, tasks }) => {
        const answer = await (await tasks()).admin.listProcessors(call);
        output.answer(answer, ({ processors, head }) => {
          showProcessors(processors, output);
          output.note(
            output.paintErrors.dim(`The log ends at ${head ?? 'its start: it is empty'}.`),
          );
        });
      }),
    );
  for (const [verb, description] of [
    ['pause', 'let it handle nothing more until it is resumed, also after a restart'],
    ['resume', 'let it go on where it stopped'],
  ] as const) {
    const command = group
      .command(verb)
      .description(description)
      .argument('<name>', 'as processor list names it');
    if (verb === 'pause') command.option('-r, --reason <text>', 'for the log of the service');
    command.action(
      act(
        async ({ output, call, tasks }, name: string, { reason }: { readonly reason?: string }) => {
          const { admin } = await tasks();
          const answer =
            verb === 'pause'
              ? await admin.pauseProcessor(name, reason, call)
              : await admin.resumeProcessor(name, call);
          output.answer(answer, ({ paused }) =>
            output.line(`${printable(name)} is ${paused ? 'paused' : 'not paused'}.`),
          );
        },
      ),
    );
  }
};

function showProcessors(processors: readonly ProcessorInfo[], output: Output): void {
  const { paint } = output;
  const isWell = ({ state, parked, failures }: ProcessorInfo) =>
    (state === 'live' || state === 'standby') && parked === 0 && failures === 0;
  output.table(
    [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'KIND', value: ({ kind }) => kind, optional: true },
      {
        title: 'STATE',
        value: ({ state, paused }) => (paused && state !== 'paused' ? `${state}, paused` : state),
        paint: (text, row) => (isWell(row) ? paint.green(text) : paint.yellow(text)),
      },
      {
        title: 'BEHIND',
        value: ({ lag }) => (lag === undefined ? undefined : countText(lag)),
        align: 'right',
      },
      {
        title: 'PARKED',
        value: ({ parked }) => parked,
        align: 'right',
        paint: (text, { parked }) => (parked > 0 ? paint.red(text) : text),
      },
      { title: 'FAILURES', value: ({ failures }) => failures, align: 'right', optional: true },
      { title: 'OVERDUE', value: ({ overdue }) => overdue, align: 'right', optional: true },
      {
        title: 'LAST ERROR',
        value: ({ lastError }) => lastError?.message,
        shrinkTo: 10,
        optional: true,
      },
    ],
    processors,
  );
}
