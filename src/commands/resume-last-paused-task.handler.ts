import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandAnswer } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import { contextOf } from '../context/index.js';
import { sendToEach } from './candidates.js';
import { ResumeLastPausedTask } from './resume-last-paused-task.command.js';
import { ResumeTask } from './resume-task.command.js';
import { messageOf } from './task-command.js';
import { TaskFinder } from './task-finder.port.js';

/** The newest may have been resumed meanwhile, so a few are at hand. */
const CANDIDATES = 10;

@CommandHandler(ResumeLastPausedTask)
export class ResumeLastPausedTaskHandler implements ICommandHandler<ResumeLastPausedTask> {
  /** Which task a recent command went to: sent again, it must not resume the next one. */
  private readonly recent = new LRUCache<string, string>({ max: 10_000 });

  constructor(
    private readonly commandBus: CommandBus,
    private readonly finder: TaskFinder,
  ) {}

  /** Null: no task is paused. */
  async execute(command: ResumeLastPausedTask): Promise<CommandAnswer | null> {
    const context = contextOf(command);
    const { apps, after, commandId } = context;
    const before = this.recent.get(commandId);
    const found = await this.finder.lastPaused({ ...command, apps, after, limit: CANDIDATES });
    for (const taskId of before === undefined ? found.taskIds : [before, ...found.taskIds]) {
      this.recent.set(commandId, taskId);
      const [answer] = await sendToEach(this.commandBus, context, [taskId], (id) =>
        messageOf(ResumeTask, { id }),
      );
      if (answer) return answer;
    }
    return null;
  }
}
