import { randomUUID } from 'node:crypto';
import type { JobWork } from './job.js';

/** For tests: the work of a job that nobody follows; with an id of its own unless one is given. */
export function jobWork(fields: Partial<JobWork> = {}): JobWork {
  return {
    jobId: randomUUID(),
    signal: new AbortController().signal,
    report: () => undefined,
    ...fields,
  };
}
