import type { DatedChainEnd } from '../events/index.js';

/** A task that was brought here from another service, whole: it can be read and nothing else. */
export interface ImportedTask {
  readonly taskId: string;
  readonly appName: string;
  /** The log that it was exported from: eight hex digits. */
  readonly fromLog: string;
  /** Actor id of who imported it. */
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** How many there are, in the task's own stream and in that of its refusals. */
  readonly events: number;
  readonly refusals: number;
  /** Hash of the task's last event. */
  readonly head: string;
  /** How often its import was begun: says in which streams it lies. */
  readonly begun: number;
}

/** Which tasks were imported, folded from the stream of imports and followed as it grows. */
export abstract class ImportedTasks {
  /** Whether it was read before: `find` knows what is not another process's newest. */
  abstract readonly isReady: boolean;

  /** At once when it was read before. Rejects with LogUnavailable. */
  abstract ready(): Promise<void>;

  /** Reads to the end of the stream. Rejects with LogUnavailable. */
  abstract refresh(): Promise<void>;

  abstract find(taskId: string): ImportedTask | undefined;

  /** How often an import of it was begun, complete or not; 0 for none. */
  abstract begun(taskId: string): number;

  /** Streams of imports that are not complete, or were begun anew: nobody is to see what lies there. */
  abstract unseen(): readonly string[];

  /** Where the stream ends, as far as it was read. */
  abstract readonly end: DatedChainEnd;
}
