import type { HistoryProblem, HistoryReport, HistorySeal, Position } from '@taskmanager/protocol';
import type { EventLog } from '../event-store/index.js';
import type { JobWork } from '../jobs/index.js';
import { HistoryScan } from './history-scan.js';

/** Work of a job: a digest of the ends of all streams, as far as the log goes now. */
export async function sealHistory(log: EventLog, work: JobWork, at: number): Promise<HistorySeal> {
  const position = await log.head();
  if (position === undefined) throw new Error('The log is empty: there is nothing to seal.');
  const scan = new HistoryScan(log, work, position);
  await scan.upTo(position);
  const { events, ends, problemCount } = scan.check;
  return {
    format: 'taskmanager-seal',
    version: 1,
    logId: log.logId,
    position,
    events,
    streams: ends.size,
    root: await scan.root(),
    problems: problemCount,
    at,
  };
}

export interface SealVerdict {
  readonly outcome: Omit<NonNullable<HistoryReport['seal']>, 'eventsSince'>;
  readonly problem?: HistoryProblem;
}

/**
 * Holds a seal beside the log as far as it was read: to the seal's position, or to the log's end if that
 * comes sooner.
 */
export async function holdBeside(
  seal: HistorySeal,
  scan: HistoryScan,
  head: Position | undefined,
): Promise<SealVerdict> {
  const { events, ends } = scan.check;
  const sameCounts = events === seal.events && ends.size === seal.streams;
  const outcome = {
    ok: sameCounts && (await scan.root()) === seal.root,
    missingEvents: Math.max(0, seal.events - events),
    missingStreams: Math.max(0, seal.streams - ends.size),
  };
  if (outcome.ok) return { outcome };
  const { position } = seal;
  const isCut = head === undefined || head < position;
  const text = [
    `The seal of ${new Date(seal.at).toISOString()} covers ${counted(seal)} up to ${position}.`,
    ...(isCut ? [`The end of the log is gone: it ${endOf(head)}.`] : []),
    sameCounts
      ? 'There are as many, but they do not end as they did: histories were replaced, with hashes that fit each other.'
      : `There are ${counted({ events, streams: ends.size })} now.`,
  ].join(' ');
  return { outcome, problem: { code: isCut ? 'log_cut' : 'seal_mismatch', text, position } };
}

export const endOf = (head: Position | undefined): string =>
  head === undefined ? 'is empty' : `ends at ${head}`;

const counted = ({ events, streams }: Pick<HistorySeal, 'events' | 'streams'>): string =>
  `${events.toLocaleString('en-US')} events in ${streams.toLocaleString('en-US')} streams`;
