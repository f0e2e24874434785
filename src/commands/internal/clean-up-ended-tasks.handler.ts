import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CleanupAnswer } from '@taskmanager/protocol';
import { Clock, contextOf } from '../../context/index.js';
import { sendToEach } from '../candidates.js';
import { messageOf } from '../task-command.js';
import { TaskFinder } from '../task-finder.port.js';
import { CleanUpEndedTasks } from './clean-up-ended-tasks.command.js';
import { CleanUpTask } from './clean-up-task.command.js';

@CommandHandler(CleanUpEndedTasks)
export class CleanUpEndedTasksHandler implements ICommandHandler<CleanUpEndedTasks> {
  constructor(
    private readonly commandBus: CommandBus,
    private readonly finder: TaskFinder,
    private readonly clock: Clock,
  ) {}

  async execute(command: CleanUpEndedTasks): Promise<CleanupAnswer> {
    const context = contextOf(command);
    const { apps, after } = context;
    const { maxAgeMs, ...filter } = command;
    const completedBefore = this.clock.now() - maxAgeMs;
    const { taskIds, more } = await this.finder.ended({ ...filter, completedBefore, apps, after });
    const { statuses } = filter;
    const deleted = await sendToEach(this.commandBus, context, taskIds, (id) =>
      messageOf(CleanUpTask, { id, statuses, completedBefore }),
    );
    const position = deleted
      .map((answer) => answer.position)
      .sort()
      .at(-1);
    return { deleted: deleted.length, more, ...(position !== undefined && { position }) };
  }
}
