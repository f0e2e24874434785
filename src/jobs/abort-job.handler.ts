import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobInfo } from '@taskmanager/protocol';
import { whoAndWhy } from '../context/index.js';
import { AbortJob } from './abort-job.command.js';
import { Jobs } from './jobs.js';
import { knownJob } from './known-job.js';

@CommandHandler(AbortJob)
export class AbortJobHandler implements ICommandHandler<AbortJob> {
  private readonly logger = new Logger('Jobs');

  constructor(private readonly jobs: Jobs) {}

  /** One that has ended stays as it is; one of another process of the folder ends within seconds. */
  async execute(command: AbortJob): Promise<JobInfo> {
    const { jobId, reason } = command;
    const { kind, state } = knownJob(this.jobs, jobId);
    if (state === 'running') {
      const who = whoAndWhy(command, reason);
      await this.jobs.abort(jobId, `Aborted by ${who}`);
      this.logger.warn(`Job ${jobId} (${kind}) was aborted by ${who}`);
    }
    return knownJob(this.jobs, jobId);
  }
}
