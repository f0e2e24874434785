/** Compares rows of an audit file with what the log says. */
import type { Difference } from '@taskmanager/protocol';
import { type AuditRow, auditRowOf } from './audit-row.js';
import type { RecordedEvent } from '../../event-store/index.js';
import { taskIdOfAny } from '../../events/index.js';
import type { AuditRows } from './audit-rows.js';
// Of these files alone: the thread is to load no more than it needs.
import { Differences } from '../../processing/views/differences.js';

/** What differs in one stretch, or in the first part of it. */
export interface Comparison {
  /** Events that were compared. */
  readonly rows: number;
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  /** The stretch was compared up to and with this place. */
  readonly reached: number;
}

const PAGE = 500;
/** Rows that are read in one call: a file may hold far more than the log, and others want the thread. */
const MOST_ROWS = 5_000;

/**
 * Compares what the file holds strictly after `after`, up to and with `upTo`, with the events of the log
 * there; to be called again from where it came to.
 */
export function compareRows(
  rows: AuditRows,
  records: readonly RecordedEvent[],
  after: number,
  upTo: number,
): Comparison {
  const differences = new Differences();
  const kept = rowsBetween(rows, after, upTo);
  let [compared, read, reached] = [0, 0, upTo];
  const next = (): AuditRow | undefined => {
    read += 1;
    return kept.next().value;
  };
  let view = next();
  const logs = records.map(auditRowOf).values();
  let log = logs.next().value;
  while (view || log) {
    const at = Math.min(view?.offset ?? Infinity, log?.offset ?? Infinity);
    const [isKept, isInLog] = [view?.offset === at, log?.offset === at];
    if (view && log && isKept && isInLog) {
      for (const one of differencesOf(view, log)) differences.add(one);
    } else if (view && isKept) differences.add(extra(view));
    else if (log) differences.add(missing(log));
    if (isInLog) {
      compared += 1;
      log = logs.next().value;
    }
    if (isKept) view = next();
    if (read > MOST_ROWS) {
      reached = at;
      break;
    }
  }
  const { listed, count } = differences;
  return { rows: compared, differences: listed, differenceCount: count, reached };
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

function taskOf({ stream }: AuditRow): { readonly taskId?: string } {
  const taskId = taskIdOfAny(stream);
  return taskId === undefined ? {} : { taskId };
}
