import { Logger, type OnModuleInit } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobAnswer, RebuildReport } from '@taskmanager/protocol';
import { Refusal, whoAndWhy } from '../../context/index.js';
import { Jobs, type JobWork } from '../../jobs/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { RebuildProjection } from './rebuild-projection.command.js';

const KIND = RebuildProjection.message;
/** More jobs than run at a time. */
const MANY = 1_000;

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

  /** Refused as CONFLICT while the projection is being rebuilt. */
  async execute(command: RebuildProjection): Promise<JobAnswer> {
    const { projection, keepOld = true } = command;
    const { name } = knownRun(this.runner.served(), projection, 'projection');
    const running = this.jobs.page(['running'], undefined, MANY);
    const other = running.find(({ kind, args }) => kind === KIND && args['projection'] === name);
    if (other) {
      throw new Refusal(
        'CONFLICT',
        `${name} is being rebuilt by job ${other.jobId} already: follow that one, or abort it first.`,
        { jobId: other.jobId },
      );
    }
    const started = this.jobs.start(KIND, command, (work) => this.rebuild(work, name, keepOld));
    this.logger.log(`Job ${started.jobId} rebuilds ${name}, asked by ${whoAndWhy(command)}`);
    return started;
  }

  private rebuild(work: JobWork, projection: string, keepOld: boolean): Promise<RebuildReport> {
    const run = knownRun(this.runner.served(), projection, 'projection');
    return run.rebuild(work, { keepOld });
  }
}
