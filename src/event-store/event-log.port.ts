import type { Position } from '@taskmanager/protocol';

/** A revision is an event's number in its stream: from 0, no gaps. */
export type Revision = bigint;

/**
 * What the caller believes about the stream. Only an exact revision and `no_stream` make a re-append
 * idempotent; `stream_exists` and `any` are for streams where a lost race does no harm.
 */
export type ExpectedRevision = Revision | 'no_stream' | 'stream_exists' | 'any';

/** An event on its way into the log. `data` and `metadata` are JSON text and are stored as they are. */
export interface NewEvent {
  /** UUID, derived from the command (DESIGN §6.2). */
  readonly id: string;
  /** Stable name, e.g. `TaskPaused`; never a class name. */
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** An event as the log keeps it. */
export interface RecordedEvent extends NewEvent {
  readonly stream: string;
  readonly revision: Revision;
  readonly position: Position;
}

export interface AppendResult {
  /** Revision and position of the last event appended. */
  readonly revision: Revision;
  readonly position: Position;
  /** The log held exactly these event ids at these revisions already: nothing was written again. */
  readonly repeated: boolean;
  /** Of all events, in order, when they were appended now and the log knows it without reading. */
  readonly positions?: readonly Position[];
}

export interface ReadStreamOptions {
  /** Inclusive. Forwards from 0, backwards from the end when left out. */
  readonly from?: Revision;
  readonly direction?: 'forwards' | 'backwards';
  /** 1 to 10,000 events; 1,000 when left out. */
  readonly limit?: number;
}

export interface LogFilter {
  /** Event types; all when left out. */
  readonly types?: readonly string[];
  /** Streams whose name starts with this, e.g. `task-`; all when left out. */
  readonly streamPrefix?: string;
}

export interface ReadAllOptions {
  /** Strictly after this position; from the first event when left out. */
  readonly after?: Position;
  readonly filter?: LogFilter;
  /**
   * At most this many events are looked at, matching or not: 1 to 10,000; 1,000 when left out. Fewer
   * when they are large: only `end` says that nothing lies behind.
   */
  readonly limit?: number;
}

export interface LogPage {
  readonly events: readonly RecordedEvent[];
  /** Everything up to here was looked at. Undefined only when the log is empty and nothing was asked after. */
  readonly position: Position | undefined;
  /** Nothing lay behind this page when it was read. */
  readonly end: boolean;
}

export interface SubscribeOptions {
  /** Strictly after this position; `start` is before the first event, `now` the head at the call. */
  readonly from: Position | 'start' | 'now';
  readonly filter?: LogFilter;
  /** At most this many events in one batch: 1 to 10,000; 1,000 when left out. */
  readonly batchSize?: number;
  /** Ends the subscription: the iterator finishes without an error. */
  readonly signal?: AbortSignal;
}

export interface LogBatch {
  /** May be empty: the position moved over events that the filter left out, or the end was reached. */
  readonly events: readonly RecordedEvent[];
  readonly position: Position | undefined;
  /** True when this batch reached the head: from here on batches come as events are appended. */
  readonly caughtUp: boolean;
}

/** A cache of a stream's state: losing it costs time, never truth. `version` names the state's shape. */
export interface Snapshot {
  readonly revision: Revision;
  readonly version: number;
  /** JSON text. */
  readonly state: string;
}

/**
 * The event log: append-only streams in one total order. Fails with {@link RevisionConflict},
 * {@link LogUnavailable} or {@link ForeignPosition}, nothing else.
 *
 * It gives no transaction across streams, no update, no delete and no query by content: whoever needs
 * one of those wants a projection.
 */
export abstract class EventLog {
  /** Eight hex digits that say which log this is; the first part of each of its positions. */
  abstract readonly logId: string;

  /**
   * Appends all events or none; they are durable when it resolves. With an exact revision or
   * `no_stream`, the same ids at the same place answer as the first time (`repeated`).
   * Rejects an empty list (RangeError).
   */
  abstract append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult>;

  /**
   * One page of a stream, in the direction's order; empty for an unknown stream or past its end. It is
   * shorter than `limit` only where the stream ends.
   */
  abstract readStream(
    stream: string,
    options?: ReadStreamOptions,
  ): Promise<readonly RecordedEvent[]>;

  /** One page of the whole log. Positions rise strictly and may have gaps. */
  abstract readAll(options?: ReadAllOptions): Promise<LogPage>;

  /** The position of the newest event; undefined while the log is empty. */
  abstract head(): Promise<Position | undefined>;

  /**
   * Catches up from a position, then goes on live. The reader sets the pace: the next batch is made
   * when it is asked for, and what waits meanwhile is read again from the log, not kept in memory.
   * The first batch with `caughtUp` comes even when nothing matches. Leaving the loop ends it. A
   * foreign position, a closed log or a bad batch size throws at the call.
   */
  abstract subscribe(options: SubscribeOptions): AsyncIterable<LogBatch>;

  abstract readSnapshot(stream: string): Promise<Snapshot | undefined>;
  /** Replaces the stream's snapshot, unless the stored one has a higher revision of the same version. */
  abstract writeSnapshot(stream: string, snapshot: Snapshot): Promise<void>;
  abstract deleteSnapshot(stream: string): Promise<void>;

  /** Resolves when a write would be accepted now; rejects with {@link LogUnavailable}. */
  abstract health(): Promise<void>;

  /** Ends subscriptions, waits for appends under way, frees everything. A second call does nothing. */
  abstract close(): Promise<void>;
}
