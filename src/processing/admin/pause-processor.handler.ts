import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { PauseProcessorAnswer } from '@taskmanager/protocol';
import { whoAndWhy } from '../../context/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { PauseProcessor } from './pause-processor.command.js';

@CommandHandler(PauseProcessor)
export class PauseProcessorHandler implements ICommandHandler<PauseProcessor> {
  private readonly logger = new Logger('Processors');

  constructor(private readonly runner: ProcessorRunner) {}

  async execute(command: PauseProcessor): Promise<PauseProcessorAnswer> {
    const { name, reason } = command;
    await knownRun(this.runner.runs(), name, 'name').setPaused(true);
    this.logger.warn(`Processor ${name} was paused by ${whoAndWhy(command, reason)}`);
    return { name, paused: true };
  }
}
