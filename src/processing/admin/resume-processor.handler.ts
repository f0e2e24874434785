import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { PauseProcessorAnswer } from '@taskmanager/protocol';
import { whoAndWhy } from '../../context/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { knownRun } from './known-run.js';
import { ResumeProcessor } from './resume-processor.command.js';

@CommandHandler(ResumeProcessor)
export class ResumeProcessorHandler implements ICommandHandler<ResumeProcessor> {
  private readonly logger = new Logger('Processors');

  constructor(private readonly runner: ProcessorRunner) {}

  async execute(command: ResumeProcessor): Promise<PauseProcessorAnswer> {
    const { name } = command;
    await knownRun(this.runner.runs(), name, 'name').setPaused(false);
    this.logger.log(`Processor ${name} was resumed by ${whoAndWhy(command)}`);
    return { name, paused: false };
  }
}
