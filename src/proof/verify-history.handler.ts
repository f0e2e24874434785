import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { HistoryReport, HistorySeal, JobAnswer } from '@taskmanager/protocol';
import { ImportedTasks } from '../commands/imported-tasks.port.js';
import { Refusal } from '../context/index.js';
import { EventLog } from '../event-store/index.js';
import { Jobs, type JobWork } from '../jobs/index.js';
import { taskNotFound } from '../projections/visibility.js';
import { HistoryWitness } from './history-witness.port.js';
import { verifyTaskHistory } from './task-history.js';
import { VerifyHistory } from './verify-history.command.js';
import { verifyWholeHistory } from './whole-history.js';

@CommandHandler(VerifyHistory)
export class VerifyHistoryHandler implements ICommandHandler<VerifyHistory> {
  private readonly logger = new Logger('Proof');

  constructor(
    private readonly log: EventLog,
    private readonly jobs: Jobs,
    private readonly witness: HistoryWitness,
    private readonly imports: ImportedTasks,
  ) {}

  async execute(command: VerifyHistory): Promise<JobAnswer> {
    const { id, seal } = command;
    if (seal) this.checkSeal(seal, id);
    return this.jobs.start('verify_history', command, async (work) => {
      const report = id === undefined ? await this.whole(work, seal) : await this.one(work, id);
      this.tell(report);
      return report;
    });
  }

  private checkSeal({ logId }: HistorySeal, id: string | undefined): void {
    if (id !== undefined) {
      throw new Refusal('VALIDATION_FAILED', 'A seal is of the whole log: leave out id.', {
        field: 'id',
      });
    }
    if (logId === this.log.logId) return;
    throw new Refusal(
      'VALIDATION_FAILED',
      `The seal is of log ${logId}, and this is log ${this.log.logId}: it is another service's seal, or the log was replaced by another one.`,
      { field: 'seal', logId: this.log.logId },
    );
  }

  private whole(work: JobWork, seal: HistorySeal | undefined): Promise<HistoryReport> {
    return verifyWholeHistory(this.log, work, { seal, witness: this.witness });
  }

  private async one({ signal }: JobWork, id: string): Promise<HistoryReport> {
    const turn = async (): Promise<void> => {
      await setImmediate();
      signal.throwIfAborted();
    };
    await this.imports.ready();
    const imported = this.imports.find(id);
    const verdict = await verifyTaskHistory(this.log, id, this.witness, imported, turn);
    const { events, refusals, problems, ok, unwitnessed } = verdict;
    if (events + refusals + problems.length === 0) throw taskNotFound(id);
    const streams = [events, refusals].filter((count) => count > 0).length;
    const problemCount = problems.length;
    return {
      ok,
      events: events + refusals,
      streams,
      problems,
      problemCount,
      ...(unwitnessed !== undefined && { unwitnessed }),
    };
  }

  private tell({ events, problemCount, problems }: HistoryReport): void {
    const [first] = problems;
    if (first) {
      this.logger.warn(`Of ${events} events ${problemCount} do not fit, the first: ${first.text}`);
    }
  }
}
