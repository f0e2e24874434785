/** What the code of a job is given, and how it is told to end. */
import type { JobInfo, JobProgress } from '@taskmanager/protocol';

export interface JobWork {
  readonly jobId: string;
  /**
   * Fires when the job is to end soon. Its reason is {@link JobInterrupted} when somebody else may go on
   * with it: what it has made may stay for that. Otherwise nothing is to be left behind.
   */
  readonly signal: AbortSignal;
  /** Cheap: may be called for every page. */
  report(progress: Omit<JobProgress, 'rate' | 'leftMs'>): void;
}

export type RunJob = (work: JobWork) => Promise<object>;

/** Goes on with a job that another life of the process began; `args` are what it was started with. */
export type ResumeJob = (work: JobWork, args: JobInfo['args']) => Promise<object>;

/** Somebody wants the job to end. */
export class JobAborted extends Error {
  override readonly name = 'JobAborted';
}

/** The process stops, or has been silent for so long that another one has taken the job over. */
export class JobInterrupted extends Error {
  override readonly name = 'JobInterrupted';
}
