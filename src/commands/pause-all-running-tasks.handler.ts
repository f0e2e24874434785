import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { LIMITS, type PauseAllAnswer } from '@taskmanager/protocol';
import { contextOf } from '../context/index.js';
import { sendToEach } from './candidates.js';
import { PauseRunningTask } from './internal/pause-running-task.command.js';
import { PauseAllRunningTasks } from './pause-all-running-tasks.command.js';
import { messageOf } from './task-command.js';
import { TaskFinder } from './task-finder.port.js';

@CommandHandler(PauseAllRunningTasks)
export class PauseAllRunningTasksHandler implements ICommandHandler<PauseAllRunningTasks> {
  constructor(
    private readonly commandBus: CommandBus,
    private readonly finder: TaskFinder,
  ) {}

  async execute(command: PauseAllRunningTasks): Promise<PauseAllAnswer> {
    const context = contextOf(command);
    const { reason, ...filter } = command;
    const { apps, after } = context;
    const found = await this.finder.running({
      ...filter,
      apps,
      after,
      limit: LIMITS.filterCommand,
    });
    const answers = await sendToEach(this.commandBus, context, found.taskIds, (id) =>
      messageOf(PauseRunningTask, { id, ...(reason !== undefined && { reason }) }),
    );
    return { taskIds: answers.map(({ taskId }) => taskId), more: found.more };
  }
}
