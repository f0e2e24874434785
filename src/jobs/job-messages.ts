import type { AdminName } from '@taskmanager/protocol';
import { AbortJob } from './abort-job.command.js';
import { GetJob } from './get-job.query.js';
import { ListJobs } from './list-jobs.query.js';

/** A message class: its fields are validated by decorators, `message` is its name on the wire. */
interface AdminClass {
  readonly message: AdminName;
  new (): object;
}

/** Admin messages about jobs that change something, and that only look. */
export const JOB_COMMAND_MESSAGES: readonly AdminClass[] = [AbortJob];
export const JOB_QUERY_MESSAGES: readonly AdminClass[] = [GetJob, ListJobs];
