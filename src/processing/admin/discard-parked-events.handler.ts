import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ReleaseParkedAnswer } from '@taskmanager/protocol';
import { taskStream } from '../../events/index.js';
import { whoAndWhy } from '../../context/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { DiscardParkedEvents } from './discard-parked-events.command.js';
import { knownRun } from './known-run.js';

/** A projection refuses it. */
@CommandHandler(DiscardParkedEvents)
export class DiscardParkedEventsHandler implements ICommandHandler<DiscardParkedEvents> {
  private readonly logger = new Logger('Processors');

  constructor(private readonly runner: ProcessorRunner) {}

  async execute(command: DiscardParkedEvents): Promise<ReleaseParkedAnswer> {
    const { processor, taskId, eventId, reason } = command;
    const run = knownRun(this.runner.runs(), processor, 'processor');
    if (eventId !== undefined) {
      const stream = taskStream(taskId);
      const parked = (await run.parked()).find((event) => event.stream === stream);
      if (parked?.eventId !== eventId) return { requested: 0 };
    }
    const requested = await run.release('discard', taskId);
    if (requested > 0) {
      const who = whoAndWhy(command, reason);
      this.logger.warn(`A parked event of ${processor}, task ${taskId}, is discarded by ${who}`);
    }
    return { requested };
  }
}
