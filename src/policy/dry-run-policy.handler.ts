import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobAnswer } from '@taskmanager/protocol';
import { EventLog } from '../event-store/index.js';
import { Jobs } from '../jobs/index.js';
import { ReplayWork } from '../processing/index.js';
import { DryRunPolicy } from './dry-run-policy.command.js';
import { decideAgain } from './policy-trial.js';

@CommandHandler(DryRunPolicy)
export class DryRunPolicyHandler implements ICommandHandler<DryRunPolicy> {
  constructor(
    private readonly jobs: Jobs,
    private readonly log: EventLog,
  ) {}

  async execute(command: DryRunPolicy): Promise<JobAnswer> {
    const { taskTypes, maxRetries, retryDelayMs, backoff } = command;
    const policy = {
      ...(maxRetries !== undefined && { maxRetries }),
      ...(retryDelayMs !== undefined && { retryDelayMs }),
      ...(backoff !== undefined && { backoff }),
    };
    return this.jobs.start(DryRunPolicy.message, command, (work) =>
      decideAgain(this.log, policy, taskTypes, new ReplayWork(work)),
    );
  }
}
