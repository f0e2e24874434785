import type { HistoryEvent } from '@taskmanager/client';
import type { Define } from '../act.js';
import { id, wholeNumber } from '../arguments.js';
import type { Output } from '../output/output.js';
import { printable, safeJson } from '../output/printable.js';
import type { Session } from '../session.js';

interface HistoryOptions {
  readonly from: number;
  readonly limit?: number;
  readonly data?: true;
}

/** `task history`: all events of a task, as they come. */
export const defineHistory: Define = (group, act) => {
  group
    .command('history')
    .description('what happened to a task: who, what, when and what changed')
    .argument('<id>', 'the task; a deleted one, too', id)
    .option('--from <revision>', 'from this revision on', wholeNumber(0, 999_999_999), 0)
    .option('-n, --limit <number>', 'at most so many', wholeNumber(1, 999_999_999))
    .option('--data', 'with what each event carries')
    .addHelpText('after', '\nWith --json one event a line.')
    .action(act((session, task: string, options: HistoryOptions) => show(session, task, options)));
};

async function show(session: Session, task: string, options: HistoryOptions): Promise<void> {
  const { output, call } = session;
  const tasks = await session.tasks();
  let from: number | undefined = options.from;
  const most = options.limit ?? Infinity;
  let shown = 0;
  while (from !== undefined && shown < most) {
    const limit = Math.min(most - shown, 500);
    const page = await tasks.getTaskHistory(task, { ...call, fromRevision: from, limit });
    for (const event of page.events) {
      if (output.json) output.record(event);
      else showEvent(event, output, options.data ?? false);
    }
    shown += page.events.length;
    from = page.nextRevision;
  }
  if (shown === 0) output.note(`Nothing happened to it from revision ${options.from} on.`);
}

function showEvent(event: HistoryEvent, output: Output, withData: boolean): void {
  const { paint } = output;
  const said = event.line ?? `${event.actor.id}: ${event.type}`;
  const revision = String(event.revision).padStart(4);
  const what = `${paint.dim(output.time(event.at))} ${paint.bold(revision)}  ${printable(said)}`;
  output.line(what);
  if (withData) output.line(`      ${paint.dim(`${event.type} ${safeJson(event.data)}`)}`);
}
