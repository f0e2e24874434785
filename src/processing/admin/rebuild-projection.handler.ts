import { Logger, type OnModuleInit } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobAnswer, RebuildReport } from '@taskmanager/protocol';
import { whoAndWhy } from '../../context/index.js';
import { Jobs, type JobWork } from '../../jobs/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { RebuildProjection } from './rebuild-projection.command.js';

const KIND = RebuildProjection.message;

@CommandHandler(RebuildProjection)
export class RebuildProjectionHandler implements ICommandHandler<RebuildProjection>, OnModuleInit {
  private readonly logger = new Logger('Processors');

  constructor(
    private readonly runner: ProcessorRunner,
    private readonly jobs: Jobs,
  ) {}

  onModuleInit(): void {
    this.jobs.resumes(KIND, (work, { projection, keepOld }) =>
      this.rebuild(work, projection as string, keepOld !== false),
    );
  }

  /** Refused as CONFLICT while the projection is being rebuilt, by this process or another one of the folder. */
  async execute(command: RebuildProjection): Promise<JobAnswer> {
    const { projection, keepOld = true } = command;
    const { name } = knownRun(this.runner.served(), projection, 'projection');
    const started = this.jobs.start(
      KIND,
      command,
      (work) => this.rebuild(work, name, keepOld),
      ({ args }) => args['projection'] === name,
    );
    this.logger.log(`Job ${started.jobId} rebuilds ${name}, asked by ${whoAndWhy(command)}`);
    return started;
  }

  private rebuild(work: JobWork, projection: string, keepOld: boolean): Promise<RebuildReport> {
    const run = knownRun(this.runner.served(), projection, 'projection');
    return run.rebuild(work, { keepOld });
  }
}
