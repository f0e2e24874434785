import { Logger } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DroppedBuilds } from '@taskmanager/protocol';
import { whoAndWhy } from '../../context/index.js';
import { ProcessorRunner } from '../processor-runner.js';
import { DropProjectionBuilds } from './drop-projection-builds.command.js';
import { knownRun } from './known-run.js';

@CommandHandler(DropProjectionBuilds)
export class DropProjectionBuildsHandler implements ICommandHandler<DropProjectionBuilds> {
  private readonly logger = new Logger('Processors');

  constructor(private readonly runner: ProcessorRunner) {}

  /** Answers at once; the tables go bit by bit. */
  async execute(command: DropProjectionBuilds): Promise<DroppedBuilds> {
    const { projection } = command;
    const dropped = await knownRun(this.runner.served(), projection, 'projection').dropBuilds();
    if (dropped.length > 0) {
      const who = whoAndWhy(command);
      this.logger.log(`Builds ${dropped.join(', ')} of ${projection} are dropped, asked by ${who}`);
    }
    return { dropped };
  }
}
