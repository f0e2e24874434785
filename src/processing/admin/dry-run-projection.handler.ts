import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type JobAnswer, logIdOf, type Position } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';
import { EventLog } from '../../event-store/index.js';
import { Jobs } from '../../jobs/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { DryRunProjection } from './dry-run-projection.command.js';
import { knownRun } from './known-run.js';

@CommandHandler(DryRunProjection)
export class DryRunProjectionHandler implements ICommandHandler<DryRunProjection> {
  constructor(
    private readonly runner: ProcessorRunner,
    private readonly jobs: Jobs,
    private readonly log: EventLog,
  ) {}

  async execute(command: DryRunProjection): Promise<JobAnswer> {
    const { projection, from, to } = command;
    const run = knownRun(this.runner.served(), projection, 'projection');
    for (const [field, position] of Object.entries({ from, to })) this.mustBeHere(field, position);
    const stretch = { ...(from && { from }), ...(to && { to }) };
    return this.jobs.start(DryRunProjection.message, command, (work) => run.dryRun(work, stretch));
  }

  private mustBeHere(field: string, position: Position | undefined): void {
    if (position === undefined || logIdOf(position) === this.log.logId) return;
    throw new Refusal('VALIDATION_FAILED', `${field} is a position of another log: ${position}.`, {
      field,
    });
  }
}
