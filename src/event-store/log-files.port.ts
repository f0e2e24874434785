import type { RecordedEvent } from './event-log.port.js';

/** The file of an embedded log, in its data folder or its backup. */
export const LOG_FILE = 'log.db';

export interface CopyOptions {
  /** Aborted, nothing is left at the target. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A log's file, opened to be looked at. Nothing in it is changed, not even its schema. */
export interface StoredLog {
  readonly logId: string;
  /** About how many events there are; never fewer. */
  readonly size: number;
  /** What the store itself finds wrong with the file; undefined when nothing is. Reads all of it. */
  damage(): string | undefined;
  /** In the log's order. */
  events(): Iterable<RecordedEvent>;
  close(): void;
}

/**
 * What is done with the file of an embedded log as a file. Fails with LogUnavailable. A log in a cluster
 * has none.
 */
export abstract class LogFiles {
  /** Copies the log as it is at the call, while it may be written to; nobody has to wait for it. */
  abstract copy(from: string, to: string, options?: CopyOptions): Promise<void>;

  abstract read(file: string): StoredLog;

  /** Takes the snapshots out of it, which are caches, and leaves one file. Nobody may have it open. */
  abstract forgetSnapshots(file: string): Promise<void>;

  /** Whether somebody has the database open. Not to be asked of a file that this process has open. */
  abstract isOpen(file: string): boolean;
}
