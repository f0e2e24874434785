import type { TaskManager } from '@taskmanager/client';
import type { JobAnswer, JobInfo } from '@taskmanager/protocol';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the job has ended; answers what came of it. Rejects when it is not done. */
export async function resultOf<R>(client: TaskManager, start: Promise<JobAnswer>): Promise<R> {
  const { jobId } = await start;
  for (;;) {
    const job: JobInfo = await client.admin.getJob(jobId);
    if (job.state === 'done') return job.result as R;
    if (job.state !== 'running') throw new Error(`The job is ${job.state}: ${job.error}`);
    await sleep(5);
  }
}
