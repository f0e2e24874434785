import { Readable } from 'node:stream';
import type { AuditEvent, AuditFilter } from '@taskmanager/client';
import { Option } from 'commander';
import { stringify } from 'csv-stringify';
import type { Define } from '../act.js';
import { type FileOptions, freeFile, withOut, writeOut } from '../files.js';
import { OwnProgress } from '../jobs/own-progress.js';
import { ProgressDisplay } from '../jobs/progress-display.js';
import { printable, safeJson } from '../output/printable.js';
import { amountText, timeText } from '../output/words.js';
import type { Session } from '../session.js';
import { auditFilterOf, type AuditOptions, withAuditFilter } from './filter.js';

interface ExportOptions extends AuditOptions, FileOptions {
  readonly format: 'ndjson' | 'csv';
  readonly order: 'asc' | 'desc';
}

const PAGE = 1_000;

/** `audit export`: everything that a filter covers, page by page; memory stays as it is. */
export const defineExport: Define = (group, act) => {
  const everything = group.command('export').description('everything that fits, as NDJSON or CSV');
  withOut(withAuditFilter(everything))
    .addOption(
      new Option('--format <format>', 'of the file').choices(['ndjson', 'csv']).default('ndjson'),
    )
    .addOption(
      new Option('--order <order>', 'which end first').choices(['asc', 'desc']).default('asc'),
    )
    .addHelpText(
      'after',
      `
Examples:
  taskmanager audit export --since 2026-07-01 --out july.ndjson
  taskmanager audit export --refused --format csv > refused.csv`,
    )
    .action(act((session, options: ExportOptions) => exportAll(session, options)));
};

async function exportAll(session: Session, options: ExportOptions): Promise<void> {
  const { format, order } = options;
  const file = await freeFile(options);
  const filter = { ...auditFilterOf(options), order };
  const display = new ProgressDisplay(session.io.errors, 'audit export');
  let written = 0;
  const events = pages(session, filter, display, (count) => (written += count));
  try {
    if (format === 'csv') await writeOut(options, session.io, Readable.from(rows(events)), csv());
    else await writeOut(options, session.io, Readable.from(ndjson(events)));
  } finally {
    display.stop();
  }
  if (file !== undefined)
    session.output.note(`${amountText(written, 'event')} written to ${printable(file)}.`);
}

/** A page at a time is in memory, and what the writer has not taken of it. */
async function* pages(
  session: Session,
  filter: AuditFilter & { readonly order: 'asc' | 'desc' },
  display: ProgressDisplay,
  onWritten: (events: number) => void,
): AsyncGenerator<readonly AuditEvent[], void> {
  const tasks = await session.tasks();
  let cursor: string | undefined;
  let progress: OwnProgress | undefined;
  do {
    const request = { ...filter, limit: PAGE, cursor, count: progress === undefined };
    const page = await tasks.queryAudit(request, session.call);
    progress ??= new OwnProgress('events', page.count?.exact ? page.count.events : undefined);
    yield page.events;
    onWritten(page.events.length);
    display.update(progress.count(page.events.length));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function* ndjson(
  pagesOf: AsyncIterable<readonly AuditEvent[]>,
): AsyncGenerator<string, void> {
  for await (const events of pagesOf)
    if (events.length > 0) yield events.map((event) => `${safeJson(event)}\n`).join('');
}

async function* rows(pagesOf: AsyncIterable<readonly AuditEvent[]>): AsyncGenerator<Row, void> {
  for await (const events of pagesOf) yield* events.map(rowOf);
}

type Row = Readonly<Record<string, string | number | boolean | undefined>>;

/** A spreadsheet would run what begins with =, +, - or @: such text gets an apostrophe before it. */
const csv = () =>
  stringify({
    header: true,
    columns: Object.keys(COLUMNS),
    escape_formulas: true,
    cast: { boolean: String, string: printable },
  });

/** The columns of the CSV, in order: they may become more, at the end. */
const COLUMNS: Readonly<
  Record<string, (event: AuditEvent) => string | number | boolean | undefined>
> = {
  position: ({ position }) => position,
  at: ({ at }) => timeText(at, 'iso'),
  type: ({ type }) => type,
  taskId: ({ taskId }) => taskId,
  taskType: ({ taskType }) => taskType,
  appName: ({ appName }) => appName,
  revision: ({ revision }) => revision,
  status: ({ status }) => status,
  attempt: ({ attempt }) => attempt,
  actor: ({ actor }) => actor.id,
  roles: ({ actor }) => actor.roles.join(' '),
  verified: ({ actor }) => actor.verified,
  workerId: ({ workerId }) => workerId,
  transport: ({ transport }) => transport,
  refusedCommand: ({ refused }) => refused?.command,
  refusedCode: ({ refused }) => refused?.code,
  refusedReason: ({ refused }) => refused?.reason,
  line: ({ line }) => line,
  imported: ({ imported }) => imported ?? false,
  eventId: ({ eventId }) => eventId,
  commandId: ({ commandId }) => commandId,
  correlationId: ({ correlationId }) => correlationId,
  causationId: ({ causationId }) => causationId,
};

function rowOf(event: AuditEvent): Row {
  return Object.fromEntries(Object.entries(COLUMNS).map(([name, of]) => [name, of(event)]));
}
