import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ReleaseParkedAnswer } from '@taskmanager/protocol';
import { whoAndWhy } from '../../context/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { RetryParkedEvents } from './retry-parked-events.command.js';

@CommandHandler(RetryParkedEvents)
export class RetryParkedEventsHandler implements ICommandHandler<RetryParkedEvents> {
  private readonly logger = new Logger('Processors');

  constructor(private readonly runner: ProcessorRunner) {}

  async execute(command: RetryParkedEvents): Promise<ReleaseParkedAnswer> {
    const { processor, taskId } = command;
    const run = knownRun(this.runner.runs(), processor, 'processor');
    const requested = await run.release('retry', taskId);
    const whose = taskId === undefined ? `of ${requested} task(s)` : `of task ${taskId}`;
    if (requested > 0) {
      const who = whoAndWhy(command);
      this.logger.log(`Parked events of ${processor} ${whose} are handled again, asked by ${who}`);
    }
    return { requested };
  }
}
