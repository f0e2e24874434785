/** `taskmanager parked …`: events that a processor could not handle. */
import type { ParkedEventInfo, ReleaseParkedAnswer } from '@taskmanager/client';
import type { Define } from '../act.js';
import { id } from '../arguments.js';
import type { Output } from '../output/output.js';
import { amountText } from '../output/words.js';
import { type PageOptions, tellMore, withPage } from '../page.js';
import type { Session } from '../session.js';
import { CommandFailed, UsageError } from '../usage-error.js';

interface ListOptions extends PageOptions {
  readonly processor?: string;
}

interface RetryOptions {
  readonly all?: true;
}

export const addParkedCommands: Define = (program, act) => {
  const group = program.command('parked').description('events that a processor could not handle');
  withPage(
    group
      .command('list')
      .description('the first parked event of each task; later ones of that task wait behind it'),
  )
    .option('-p, --processor <name>', 'only of this one')
    .action(
      act(async ({ output, call, tasks }, { processor, limit, cursor }: ListOptions) => {
        const { admin } = await tasks();
        const page = await admin.listParkedEvents({ processor, limit, cursor, ...call });
        output.answer(page, ({ events, nextCursor }) => {
          if (events.length === 0) output.note('Nothing is parked.');
          else showEvents(events, output);
          tellMore(nextCursor, output);
        });
      }),
    );

  group
    .command('show')
    .description('one of them in full, with its error')
    .argument('<processor>', 'as parked list names it')
    .argument('<task>', 'the id of the task', id)
    .action(
      act(async (session, processor: string, task: string) => {
        const event = await find(session, processor, task);
        session.output.answer(event, () => showEvent(event, session.output));
      }),
    );

  group
    .command('retry')
    .description('handle a parked event, and what waits behind it, again')
    .argument('<processor>', 'as parked list names it')
    .argument('[task]', 'the id of the task', id)
    .option('--all', 'all that this processor has parked')
    .action(
      act(
        async (
          { output, call, tasks },
          processor: string,
          task: string | undefined,
          options: RetryOptions,
        ) => {
          if ((task === undefined) !== (options.all ?? false))
            throw new UsageError('Name the task whose event is to be handled again, or say --all.');
          const answer = await (await tasks()).admin.retryParkedEvents(processor, task, call);
          output.answer(answer, () => showRelease(answer, output));
        },
      ),
    );

  group
    .command('discard')
    .description('pass over a parked event and go on with what waits behind it; asks before')
    .argument('<processor>', 'as parked list names it; not a projection')
    .argument('<task>', 'the id of the task', id)
    .option('-r, --reason <text>', 'why')
    .action(
      act(
        async (session, processor: string, task: string, options: { readonly reason?: string }) => {
          let eventId: string | undefined;
          await session.confirm(async () => {
            const event = await find(session, processor, task);
            // Only what was shown is discarded: another event may be parked by then.
            ({ eventId } = event);
            const { type = 'event', revision, error } = event;
            return `Discard ${type} (revision ${revision}) of task ${task}, which ${processor} could not handle (${error})? It will never be handled.`;
          });
          const { admin } = await session.tasks();
          const further = { eventId, reason: options.reason, ...session.call };
          const answer = await admin.discardParkedEvents(processor, task, further);
          session.output.answer(answer, () => showRelease(answer, session.output));
        },
      ),
    );
};

async function find(session: Session, processor: string, task: string): Promise<ParkedEventInfo> {
  const { admin } = await session.tasks();
  let cursor: string | undefined;
  do {
    const page = await admin.listParkedEvents({ processor, cursor, ...session.call });
    const found = page.events.find(({ taskId }) => taskId === task);
    if (found) return found;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  throw new CommandFailed(
    `${processor} has parked no event of task ${task}: see taskmanager parked list.`,
  );
}

function showEvents(events: readonly ParkedEventInfo[], output: Output): void {
  output.table(
    [
      { title: 'PROCESSOR', value: ({ processor }) => processor },
      { title: 'TASK', value: ({ taskId }) => taskId },
      { title: 'REV', value: ({ revision }) => revision, align: 'right' },
      { title: 'EVENT', value: ({ type }) => type, optional: true },
      { title: 'PARKED', value: ({ parkedAt }) => output.time(parkedAt), optional: true },
      { title: 'WANTED', value: ({ wanted }) => wanted, optional: true },
      { title: 'ERROR', value: ({ error }) => error, shrinkTo: 10 },
    ],
    events,
  );
}

function showEvent(event: ParkedEventInfo, output: Output): void {
  output.fields([
    ['processor', event.processor],
    ['task', event.taskId],
    ['event', `${event.type ?? 'of unknown type'}, ${event.eventId}`],
    ['revision', event.revision],
    ['position', event.position],
    ['parked', `${output.time(event.parkedAt)} after ${amountText(event.attempts, 'attempt')}`],
    ['wanted', event.wanted],
    ['error', event.error],
  ]);
}

function showRelease({ requested }: ReleaseParkedAnswer, output: Output): void {
  output.line(
    requested === 0
      ? 'Nothing of that is parked.'
      : `Asked for ${amountText(requested, 'task')}; what becomes of it: taskmanager parked list.`,
  );
}
