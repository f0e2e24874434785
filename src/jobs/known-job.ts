import type { JobInfo } from '@taskmanager/protocol';
import { Refusal } from '../context/index.js';
import type { Jobs } from './jobs.js';

/** @throws Refusal VALIDATION_FAILED when the data folder knows nothing of it */
export function knownJob(jobs: Jobs, jobId: string): JobInfo {
  const job = jobs.find(jobId);
  if (job) return job;
  throw new Refusal(
    'VALIDATION_FAILED',
    `There is no job ${jobId} here. Replicas with data folders of their own know their own jobs only; the newest 1,000 are remembered.`,
    { field: 'jobId' },
  );
}
