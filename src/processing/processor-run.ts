import type { Position } from '@taskmanager/protocol';
import type { ParkedEvent } from '../event-store/index.js';
import type { ProcessorStatus } from './processor.js';

/** One processor while the service runs, whatever its kind. */
export interface ProcessorRun {
  readonly name: string;
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** More than one while a projection is rebuilt. */
  status(head: Position | undefined): Promise<readonly ProcessorStatus[]>;
  /** It handles nothing more until resumed; kept with the log for sagas and publishers, with the views for projections. */
  setPaused(paused: boolean): Promise<void>;
  /** What was parked, in log order: one event a task, the first that could not be handled. */
  parked(): Promise<readonly ParkedEvent[]>;
  /**
   * Asks whoever runs the processor to handle the parked events (of one task, or of all) and what waits
   * behind them again, in order, or with `discard` to pass over the parked event itself first. Resolves
   * once the wish is kept, with the number of tasks that it is about.
   */
  release(wish: 'retry' | 'discard', taskId?: string): Promise<number>;
}
