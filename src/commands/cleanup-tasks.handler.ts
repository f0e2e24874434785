import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CleanupAnswer, LIMITS } from '@taskmanager/protocol';
import { contextOf, withContext } from '../context/index.js';
import { CleanupTasks, ENDED } from './cleanup-tasks.command.js';
import { CleanUpEndedTasks } from './internal/clean-up-ended-tasks.command.js';
import { messageOf } from './task-command.js';

const ONE_HOUR_MS = 3_600_000;

@CommandHandler(CleanupTasks)
export class CleanupTasksHandler implements ICommandHandler<CleanupTasks> {
  constructor(private readonly commandBus: CommandBus) {}

  async execute(command: CleanupTasks): Promise<CleanupAnswer> {
    const { statuses = ENDED, maxAgeMs = ONE_HOUR_MS, appName } = command;
    const limit = LIMITS.filterCommand;
    const cleanUp = messageOf(CleanUpEndedTasks, { statuses, maxAgeMs, limit, appName });
    return this.commandBus.execute<CleanUpEndedTasks, CleanupAnswer>(
      withContext(cleanUp, contextOf(command)),
    );
  }
}
