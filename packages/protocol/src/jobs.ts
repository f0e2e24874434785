/** Work of the service that takes long, started by an admin message and followed with `get_job`. */
import type { Json } from './task-info.js';

export const JOB_KINDS = [
  'verify_history',
  'seal_history',
  'rebuild_projection',
  'verify_projection',
  'dry_run_projection',
  'dry_run_policy',
  'backup',
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** `interrupted`: the process ended under it; start it again. A rebuild goes on by itself instead. */
export const JOB_STATES = ['running', 'done', 'failed', 'aborted', 'interrupted'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What a message that starts a job answers. */
export interface JobAnswer {
  readonly jobId: string;
}

export interface JobProgress {
  /** What is done now, for people: `fold`, `verify`. */
  readonly step?: string;
  readonly done: number;
  /** Missing while it is not known. */
  readonly total?: number;
  /** What `done` and `total` count: `events`, `tasks`, `bytes`. */
  readonly unit: string;
  /** Of the last seconds, per second. */
  readonly rate?: number;
  /** Estimated time that is left, milliseconds. */
  readonly leftMs?: number;
}

/** A job as the data folder of the asked process knows it: other folders have jobs of their own. */
export interface JobInfo<R = Json> {
  readonly jobId: string;
  readonly kind: JobKind;
  readonly state: JobState;
  /** Actor id of who started it. */
  readonly by: string;
  /** What it was started with. */
  readonly args: { readonly [key: string]: Json };
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** While it runs. */
  readonly progress?: JobProgress;
  /** When it is done; its shape is that of its kind. */
  readonly result?: R;
  /** Why it failed, was aborted or interrupted. */
  readonly error?: string;
}

/** The newest first. */
export interface JobsPage {
  readonly jobs: readonly JobInfo[];
  readonly nextCursor?: string;
}
