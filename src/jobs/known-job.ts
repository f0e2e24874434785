import type { JobInfo } from '@taskmanager/protocol';
import { Refusal } from '../context/index.js';
import type { Jobs } from './jobs.js';

/** @throws Refusal VALIDATION_FAILED when this process and its data folder know nothing of it */
export function knownJob(jobs: Jobs, jobId: string): JobInfo {
  const job = jobs.find(jobId);
  if (job) return job;
  throw new Refusal(
    'VALIDATION_FAILED',
    `There is no job ${jobId} here. Where several processes serve, ask the one that started it; the newest 1,000 are remembered.`,
    { field: 'jobId' },
  );
}
