import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CleanupAnswer, LIMITS } from '@taskmanager/protocol';
import { Clock, contextOf } from '../context/index.js';
import { sendToEach } from './candidates.js';
import { CleanupTasks, ENDED } from './cleanup-tasks.command.js';
import { CleanUpTask } from './internal/clean-up-task.command.js';
import { messageOf } from './task-command.js';
import { TaskFinder } from './task-finder.port.js';

const ONE_HOUR_MS = 3_600_000;

@CommandHandler(CleanupTasks)
export class CleanupTasksHandler implements ICommandHandler<CleanupTasks> {
  constructor(
    private readonly commandBus: CommandBus,
    private readonly finder: TaskFinder,
    private readonly clock: Clock,
  ) {}

  async execute(command: CleanupTasks): Promise<CleanupAnswer> {
    const context = contextOf(command);
    const { statuses = ENDED, maxAgeMs = ONE_HOUR_MS } = command;
    const { apps, after } = context;
    const completedBefore = this.clock.now() - maxAgeMs;
    const limit = LIMITS.filterCommand;
    const found = await this.finder.ended({ statuses, completedBefore, apps, after, limit });
    const deleted = await sendToEach(this.commandBus, context, found.taskIds, (id) =>
      messageOf(CleanUpTask, { id, statuses, completedBefore }),
    );
    return { deleted: deleted.length, more: found.more };
  }
}
