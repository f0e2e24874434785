/** Compares rows of an audit file with what the log says. */
import type { Difference } from '@taskmanager/protocol';
import { type AuditRow, auditRowOf } from './audit-row.js';
import type { RecordedEvent } from '../../event-store/index.js';
import type { AuditRows } from './audit-rows.js';

/** Rows that differ in one stretch, of which the first are told. */
export interface Comparison {
  readonly rows: number;
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
}

const MOST_TOLD = 100;
const PAGE = 500;

/**
 * Compares what the file holds strictly after `after`, up to and with `upTo`, with the events of the log
 * there.
 */
export function compareRows(
  rows: AuditRows,
  records: readonly RecordedEvent[],
  after: number,
  upTo: number,
): Comparison {
  const told: Difference[] = [];
  let differenceCount = 0;
  const tell = (difference: Difference): void => {
    differenceCount += 1;
    if (told.length < MOST_TOLD) told.push(difference);
  };
  const kept = rowsBetween(rows, after, upTo);
  let view = kept.next().value;
  for (const record of records) {
    const log = auditRowOf(record);
    for (; view && view.offset < log.offset; view = kept.next().value) tell(extra(view));
    if (view?.offset === log.offset) {
      for (const one of differencesOf(view, log)) tell(one);
      view = kept.next().value;
    } else tell(missing(log));
  }
  for (; view; view = kept.next().value) tell(extra(view));
  return { rows: records.length, differences: told, differenceCount };
}

/** A page at a time: a file may hold far more than the log. */
function* rowsBetween(
  rows: AuditRows,
  after: number,
  upTo: number,
): Generator<AuditRow, undefined> {
  for (let last = after; ;) {
    const page = rows.range(last, upTo, PAGE);
    yield* page;
    if (page.length < PAGE) return undefined;
    last = page.at(-1)?.offset ?? upTo;
  }
}

function missing(row: AuditRow): Difference {
  return {
    text: `${nameOf(row)} is in the log, but not in the audit.`,
    ...taskOf(row),
    log: row.line,
  };
}

function extra(row: AuditRow): Difference {
  return {
    text: `${nameOf(row)} is in the audit, but not in the log.`,
    ...taskOf(row),
    view: row.line,
  };
}

function differencesOf(view: AuditRow, log: AuditRow): Difference[] {
  return (Object.keys(log) as (keyof AuditRow)[])
    .filter((field) => view[field] !== log[field])
    .map((field) => ({
      text: `${nameOf(log)}: its ${field} differs.`,
      ...taskOf(log),
      path: `/${field}`,
      view: view[field],
      log: log[field],
    }));
}

function nameOf({ type, stream, revision }: AuditRow): string {
  return `${type} (revision ${revision} of ${stream})`;
}

/** The task that a stream is about. */
export function taskIdOf(stream: string): string | undefined {
  return /^(?:imported-)?(?:task-|refused-)?([0-9a-f]{8}-[0-9a-f-]{27})(?:\.\d+)?$/.exec(
    stream,
  )?.[1];
}

function taskOf({ stream }: AuditRow): { readonly taskId?: string } {
  const taskId = taskIdOf(stream);
  return taskId === undefined ? {} : { taskId };
}
