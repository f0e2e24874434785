import type { CommandRequests, Json, TaskInfo } from '@taskmanager/protocol';
import type { CommandOptions } from '../options.js';

/** How far the work is: a percentage (0 to 100), or items done of all there are. */
export type ProgressValue =
  number | { readonly completedItems: number; readonly totalItems: number };

/** Lines about one task, each with its id, type and attempt. They go to the worker's `log`, not to the service. */
export interface TaskLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A task that this worker holds under a lease: what a handler is given. */
export interface RunningTask<Input extends Json = Json> {
  readonly id: string;
  readonly taskType: string;
  readonly name: string;
  readonly appName: string;
  /** As it was created. Nobody has checked it: a handler that depends on its shape checks it. */
  readonly input: Input;
  /** From 1; each start of the task is one more. */
  readonly attempt: number;
  /** What was saved last, by this attempt or an earlier one; undefined when nothing was. */
  readonly checkpoint: Json | undefined;
  /** The task as it was when it was claimed. */
  readonly info: TaskInfo;
  /**
   * Fires when the work is to stop: cancelled, deleted, paused, the lease lost, the worker shutting down.
   * `signal.reason` is a {@link TaskStopped} that says which.
   */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  /**
   * Reports how far the work is; `undefined` with a message only says something. Never waits and never
   * throws: at most one message each 100 ms is sent, and always the last one. It renews the lease.
   *
   * @throws TypeError for what is no progress: outside of 0 to 100, more items than there are
   */
  progress(value: ProgressValue | undefined, message?: string): void;
  /**
   * Keeps this value with the task, for whoever goes on with it: at most 128 KiB of JSON. Resolves when it
   * is in the log. It renews the lease.
   *
   * @throws TaskStopped when the task is not this worker's any more
   * @throws TaskManagerError `PAYLOAD_TOO_LARGE`, or what became of the call
   */
  saveCheckpoint(value: Json): Promise<void>;
  /**
   * A place where the work may stop: resolves at once as long as nobody wants it to. When the task is
   * paused or the worker is shutting down, saves `checkpoint` (or the last one), and rejects with
   * {@link TaskStopped}: let it through, so that `finally` blocks run. Whoever takes the task up again
   * finds the checkpoint.
   */
  pausePoint(checkpoint?: Json): Promise<void>;
  /**
   * Asks people and ends this worker's part: rejects with {@link TaskStopped} once the question is in the
   * log; let it through. With `onApproved: 'resume'` the task comes back to a worker when it is approved.
   */
  requestApproval(
    question?: Omit<CommandRequests['request_approval'], 'id' | 'workerId' | 'leaseEpoch'> &
      CommandOptions,
  ): Promise<never>;
}

/** What does the work of one task type. What it resolves to is the task's result, what it throws its error. */
export type TaskHandler<Input extends Json = Json> = (
  task: RunningTask<Input>,
) => Promise<Json | void> | Json | void;
