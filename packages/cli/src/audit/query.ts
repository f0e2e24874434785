import type { AuditEvent, AuditPage } from '@taskmanager/client';
import { Option } from 'commander';
import type { Define } from '../act.js';
import type { Output } from '../output/output.js';
import { printable } from '../output/printable.js';
import { amountText } from '../output/words.js';
import { type PageOptions, tellMore, withPage } from '../page.js';
import { auditFilterOf, type AuditOptions, withAuditFilter } from './filter.js';

interface QueryOptions extends AuditOptions, PageOptions {
  readonly order: 'asc' | 'desc';
  readonly count?: true;
  readonly ids?: true;
}

/** `audit query`: who did what, and what was refused. */
export const defineQuery: Define = (group, act) => {
  const query = group
    .command('query')
    .description('who did what, to which task, when; what was refused, and why');
  withPage(withAuditFilter(query), 50, 1_000)
    .addOption(
      new Option('--order <order>', 'which end first').choices(['asc', 'desc']).default('desc'),
    )
    .option('--count', 'say how many there are, too')
    .option('--ids', 'with the ids of event, command and correlation')
    .addHelpText(
      'after',
      `
Examples:
  taskmanager audit query --by ann --since 2h
  taskmanager audit query --refused --app shop --count
  taskmanager audit query --event TaskCancelled --task 0190a5a0-0000-7000-8000-000000000001`,
    )
    .action(
      act(async (session, options: QueryOptions) => {
        const { order, limit, cursor, count } = options;
        const request = { ...auditFilterOf(options), order, limit, cursor, count };
        const page = await (await session.tasks()).queryAudit(request, session.call);
        session.output.answer(page, () => showPage(page, options.ids ?? false, session.output));
      }),
    );
};

function showPage({ events, nextCursor, count }: AuditPage, ids: boolean, output: Output): void {
  if (events.length === 0) output.note('Nothing fits.');
  for (const event of events) showEvent(event, ids, output);
  if (count)
    output.note(`${count.exact ? '' : 'At least '}${amountText(count.events, 'event')} in all.`);
  tellMore(nextCursor, output);
}

function showEvent(event: AuditEvent, ids: boolean, output: Output): void {
  const { paint } = output;
  const about = event.taskId ?? event.taskType ?? '';
  const of = event.appName === undefined ? '' : ` (${event.taskType ?? ''} of ${event.appName})`;
  const line = printable(event.line);
  const said = event.refused ? paint.red(line) : line;
  const when = paint.dim(output.time(event.at));
  // What admins tell the service is about no task.
  output.line(about === '' ? when : `${when}  ${printable(about)}${paint.dim(printable(of))}`);
  output.line(`  ${said}`);
  if (!ids) return;
  const { position, eventId, commandId, correlationId } = event;
  const named = { position, event: eventId, command: commandId, correlation: correlationId };
  for (const [name, id] of Object.entries(named))
    if (id !== undefined) output.line(paint.dim(`  ${name} ${printable(id)}`));
}
