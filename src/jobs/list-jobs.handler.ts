import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { JOB_STATES, type JobInfo, type JobsPage, LIMITS } from '@taskmanager/protocol';
import { Jobs } from './jobs.js';
import { ListJobs } from './list-jobs.query.js';

@QueryHandler(ListJobs)
export class ListJobsHandler implements IQueryHandler<ListJobs, JobsPage> {
  constructor(private readonly jobs: Jobs) {}

  async execute({ states, limit = LIMITS.listPageDefault, cursor }: ListJobs): Promise<JobsPage> {
    const found = this.jobs.page(states ?? JOB_STATES, cursor, limit + 1);
    const jobs: JobInfo[] = [];
    let bytes = 0;
    for (const jobId of found.slice(0, limit)) {
      const job = this.jobs.find(jobId);
      // Another process begins jobs, too, and forgets the oldest.
      if (!job) continue;
      bytes += Buffer.byteLength(JSON.stringify(job)) + 1;
      if (jobs.length > 0 && bytes > LIMITS.answerBytes) break;
      jobs.push(job);
    }
    const last = jobs.at(-1);
    return { jobs, ...(last && jobs.length < found.length && { nextCursor: last.jobId }) };
  }
}
