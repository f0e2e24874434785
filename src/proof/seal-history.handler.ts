import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobAnswer } from '@taskmanager/protocol';
import { Clock } from '../context/index.js';
import { EventLog } from '../event-store/index.js';
import { Jobs } from '../jobs/index.js';
import { sealHistory } from './history-seal.js';
import { SealHistory } from './seal-history.command.js';

@CommandHandler(SealHistory)
export class SealHistoryHandler implements ICommandHandler<SealHistory> {
  constructor(
    private readonly log: EventLog,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  async execute(command: SealHistory): Promise<JobAnswer> {
    return this.jobs.start('seal_history', command, (work) =>
      sealHistory(this.log, work, this.clock.now()),
    );
  }
}
