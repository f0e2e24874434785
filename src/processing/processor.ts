import type { Position, ProcessorInfo } from '@taskmanager/protocol';
import type { LogFilter, RecordedEvent } from '../event-store/index.js';

/** A piece of the log, in order. */
export interface ProcessorBatch {
  /** May be empty: the position moved over events that the filter left out. */
  readonly events: readonly RecordedEvent[];
  /** Everything up to here has been looked at. Undefined only while the log is empty. */
  readonly position: Position | undefined;
  /** Nothing lay behind this batch when it was read. */
  readonly caughtUp: boolean;
}

/**
 * A named, versioned, checkpointed reader of the log. It keeps its own checkpoint: a projection in the
 * transaction of its rows; sagas and publishers in the `ProcessorStore`.
 */
export interface Processor {
  readonly name: string;
  readonly version: number;
  readonly filter: LogFilter;
  /**
   * Reads the checkpoint and forgets whatever is kept in memory. Called at the start and again after
   * every failure.
   */
  open(): Promise<Position | undefined>;
  /**
   * Handles a batch and answers the checkpoint, which may lie before the batch's position while more is
   * to come. May be given events again that it has handled. What it throws is retried from `open`.
   */
  handle(batch: ProcessorBatch): Promise<Position | undefined>;
  /** It was told to pause: nothing is opened and nothing handed to it. */
  isPaused?(): boolean;
}

/** Another process moved the checkpoint, or another version took over: what is in memory is old. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';

  constructor(processor: string) {
    super(`The checkpoint of ${processor} was moved by somebody else.`);
  }
}

/** How a processor is doing, as this process sees it. */
export interface ProcessorStatus extends ProcessorInfo {
  readonly position?: Position;
}
