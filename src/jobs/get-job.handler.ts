import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { JobInfo } from '@taskmanager/protocol';
import { GetJob } from './get-job.query.js';
import { Jobs } from './jobs.js';
import { knownJob } from './known-job.js';

@QueryHandler(GetJob)
export class GetJobHandler implements IQueryHandler<GetJob, JobInfo> {
  constructor(private readonly jobs: Jobs) {}

  async execute({ jobId }: GetJob): Promise<JobInfo> {
    return knownJob(this.jobs, jobId);
  }
}
