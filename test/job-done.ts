import { setTimeout as delay } from 'node:timers/promises';
import type { TaskManager } from '@taskmanager/client';
import type { JobInfo, JobKind } from '@taskmanager/protocol';
import type { JobResults } from '../packages/client/src/admin-calls.js';

const LIMIT_MS = 60_000;

/** Waits until the job has ended, however. */
export async function endedJob(client: TaskManager, jobId: string): Promise<JobInfo> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const job = await client.admin.getJob(jobId);
    if (job.state !== 'running') return job;
    if (performance.now() > deadline) {
      throw new Error(`Job ${jobId} runs for too long: ${JSON.stringify(job)}`);
    }
    await delay(25);
  }
}

/** Waits until the job is done and answers its result; fails when it ended otherwise. */
export async function doneJob<K extends JobKind>(
  client: TaskManager,
  jobId: string,
): Promise<JobResults[K]> {
  const job = await endedJob(client, jobId);
  if (job.state === 'done') return job.result as unknown as JobResults[K];
  throw new Error(`Job ${jobId} is ${job.state}: ${job.error ?? ''}`);
}
