import type { Position } from '@taskmanager/protocol';
import {
  describeEvent,
  type EventLog,
  LogReader,
  type ReadRange,
  type RecordedEvent,
} from '../event-store/index.js';
import { type AuditReport, LogAudit } from './log-audit.js';
import { TargetHoldsOtherEvents } from './log-copy.errors.js';

/** Where a copy goes on. */
export interface Beginning {
  /** Events that both logs hold already. */
  readonly events: number;
  /** Of the last of them in the source; undefined when there is none. */
  readonly after: Position | undefined;
}

export interface Comparison {
  readonly source: AuditReport;
  readonly target: AuditReport;
  /** Events that are the same at the beginning of both. */
  readonly equal: number;
  /** The first place where they are not the same; undefined when they are equal. */
  readonly difference: string | undefined;
}

export interface CompareOptions {
  /** How much of the source counts; all of it when left out. */
  readonly until?: Position | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (seen: number, position: Position) => void;
  /** Told of each event that stands at the same place in both. */
  readonly onPair?: (source: Position, target: Position) => void;
}

const TELL_EVERY = 1_000;

/**
 * Finds where an interrupted copy stopped, by reading the target beside the source: no file remembers
 * it. Rejects with {@link TargetHoldsOtherEvents} when the target is no beginning of the source.
 */
export async function findBeginning(
  source: EventLog,
  target: EventLog,
  { until, signal, onProgress }: CompareOptions = {},
): Promise<Beginning> {
  const there = new LogReader(target, { signal });
  const here = new LogReader(source, { until, signal });
  let events = 0;
  let after: Position | undefined;
  for (;;) {
    const found = there.take() ?? (await there.next());
    if (!found) return { events, after };
    const due = here.take() ?? (await here.next());
    const why = due
      ? differenceOf(due, found)
      : `the source ends, and ${describeEvent(found)} follows`;
    if (!due || why !== undefined) throw new TargetHoldsOtherEvents(events, why ?? '');
    events += 1;
    after = due.position;
    if (events % TELL_EVERY === 0) onProgress?.(events, due.position);
  }
}

/**
 * Reads both logs from their first events on, side by side and to their ends: each by itself for its
 * digest and hash chains, and event by event for what is not the same.
 */
export async function compareLogs(
  source: EventLog,
  target: EventLog,
  { until, signal, onProgress, onPair }: CompareOptions = {},
): Promise<Comparison> {
  const left = audited(source, { until, signal });
  const right = audited(target, { signal });
  let equal = 0;
  let difference: string | undefined;
  for (let seen = 1; ; seen++) {
    const a = left.reader.take() ?? (await left.reader.next());
    const b = right.reader.take() ?? (await right.reader.next());
    if (!a && !b) break;
    if (a) left.audit.see(a);
    if (b) right.audit.see(b);
    if (difference === undefined) {
      difference = a && b ? differenceOf(a, b) : onlyOne(a, b);
      if (a && b && difference === undefined) {
        equal += 1;
        onPair?.(a.position, b.position);
      }
    }
    if (a && seen % TELL_EVERY === 0) onProgress?.(seen, a.position);
  }
  return { source: left.audit.report(), target: right.audit.report(), equal, difference };
}

const audited = (log: EventLog, range: ReadRange) => ({
  reader: new LogReader(log, range),
  audit: new LogAudit(),
});

function onlyOne(source: RecordedEvent | undefined, target: RecordedEvent | undefined): string {
  if (source) return `the target ends, and ${describeEvent(source)} follows in the source`;
  return `the source ends, and ${target ? describeEvent(target) : 'nothing'} follows in the target`;
}

/** What is not the same about two events, positions aside; undefined when nothing is. */
export function differenceOf(source: RecordedEvent, target: RecordedEvent): string | undefined {
  const fields = (['stream', 'revision', 'id', 'type', 'data', 'metadata'] as const).filter(
    (field) => source[field] !== target[field],
  );
  if (fields.length === 0) return undefined;
  return (
    `the source has ${describeEvent(source)} where the target has ${describeEvent(target)}: ` +
    `${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} not the same`
  );
}
