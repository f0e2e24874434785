/** Whether the history is whole: `verify_history`, `seal_history`, `backup`. */

export const HISTORY_PROBLEMS = [
  'hash_mismatch',
  'no_hash',
  'missing_event',
  'out_of_order',
  'unreadable',
  'stream_cut',
  'log_cut',
  'seal_mismatch',
  'false_snapshot',
] as const;
export type HistoryProblemCode = (typeof HISTORY_PROBLEMS)[number];

/** The first thing that does not fit in one stream, or in the log as a whole. */
export interface HistoryProblem {
  readonly code: HistoryProblemCode;
  /** What does not fit, where, and what that means; for people. */
  readonly text: string;
  readonly stream?: string;
  readonly taskId?: string;
  /** Of the event that does not fit, or that is missing. */
  readonly revision?: number;
  /** Of the event that does not fit; where one is missing, of the event that stands in its place. */
  readonly position?: string;
  /** Of the event that does not fit, or of the last one that is known to be missing. */
  readonly eventId?: string;
  readonly type?: string;
}

/** What `tasks.query.verify_history` answers for one task. */
export interface HistoryVerdict {
  readonly taskId: string;
  readonly ok: boolean;
  readonly events: number;
  readonly refusals: number;
  /** Hash of the task's last event. */
  readonly head: string;
  readonly problems: readonly HistoryProblem[];
  /**
   * Why what the audit remembers was not held beside it: ends that are gone may be overlooked. Missing
   * when it was.
   */
  readonly unwitnessed?: string;
}

/** A digest of the heads of all streams, to be kept elsewhere: shows later what is missing. */
export interface HistorySeal {
  readonly format: 'taskmanager-seal';
  readonly version: 1;
  readonly logId: string;
  /** It covers every event up to here. */
  readonly position: string;
  readonly events: number;
  readonly streams: number;
  /** Root of the Merkle tree (RFC 9162 §2.1) over the streams' ends in the order of their first events, in hex. */
  readonly root: string;
  /** Streams whose history did not hold when it was made: a seal is no judgement. 0 when all is well. */
  readonly problems: number;
  /** When it was made, epoch milliseconds. */
  readonly at: number;
}

/** Result of a job of `verify_history` over the whole log. */
export interface HistoryReport {
  readonly ok: boolean;
  readonly events: number;
  readonly streams: number;
  /** The last event that was looked at; missing when the log is empty. */
  readonly position?: string;
  /** The first 100, in the order of the log. */
  readonly problems: readonly HistoryProblem[];
  readonly problemCount: number;
  /**
   * Why what the audit remembers was not held beside it: ends that are gone may be overlooked. Missing
   * when it was.
   */
  readonly unwitnessed?: string;
  /** When a seal was given: events and streams since it was made, or that it covers and are gone. */
  readonly seal?: {
    readonly ok: boolean;
    readonly eventsSince: number;
    readonly missingEvents: number;
    readonly missingStreams: number;
  };
}

/** Result of a job of `backup`. */
export interface BackupReport {
  /** Where it lies on the service's machine. */
  readonly directory: string;
  readonly bytes: number;
  readonly events: number;
  /** Of the last event in it; missing when the log is empty. */
  readonly position?: string;
}
