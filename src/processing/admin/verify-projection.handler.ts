import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobAnswer } from '@taskmanager/protocol';
import { Jobs } from '../../jobs/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { VerifyProjection } from './verify-projection.command.js';

@CommandHandler(VerifyProjection)
export class VerifyProjectionHandler implements ICommandHandler<VerifyProjection> {
  constructor(
    private readonly runner: ProcessorRunner,
    private readonly jobs: Jobs,
  ) {}

  async execute(command: VerifyProjection): Promise<JobAnswer> {
    const run = knownRun(this.runner.served(), command.projection, 'projection');
    return this.jobs.start(VerifyProjection.message, command, (work) => run.verify(work));
  }
}
