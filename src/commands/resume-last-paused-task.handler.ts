import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandAnswer, LIMITS } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import { type CommandContext, contextOf, perTaskCommandId } from '../context/index.js';
import { sendToEach } from './candidates.js';
import { CommandExecutor } from './command-executor.js';
import { ResumeLastPausedTask } from './resume-last-paused-task.command.js';
import { ResumeTask } from './resume-task.command.js';
import { messageOf } from './task-command.js';
import { TaskFinder } from './task-finder.port.js';

/** The newest may have been resumed meanwhile, so a few are at hand. */
const CANDIDATES = 10;
/** Streams looked at in one go for a command that may have been here before. */
const LOOKED_AT_ONCE = 50;

@CommandHandler(ResumeLastPausedTask)
export class ResumeLastPausedTaskHandler implements ICommandHandler<ResumeLastPausedTask> {
  /** Which task a recent command went to: sent again, it must not resume the next one. */
  private readonly recent = new LRUCache<string, string>({ max: 10_000 });

  constructor(
    private readonly commandBus: CommandBus,
    private readonly executor: CommandExecutor,
    private readonly finder: TaskFinder,
  ) {}

  /** Null: no task is paused. */
  async execute(command: ResumeLastPausedTask): Promise<CommandAnswer | null> {
    const context = contextOf(command);
    const { apps, after, commandId } = context;
    const before = this.recent.get(commandId) ?? (await this.resumedBefore(command, context));
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

  /**
   * The task that this command resumed before this process knew of it: tasks remember what they were
   * resumed by, and it must be among those that changed last.
   */
  private async resumedBefore(
    { appName }: ResumeLastPausedTask,
    { apps, commandId, resent }: CommandContext,
  ): Promise<string | undefined> {
    if (!resent) return undefined;
    const limit = LIMITS.filterCommand;
    const { taskIds } = await this.finder.changedLast({ appName, apps, limit });
    for (let at = 0; at < taskIds.length; at += LOOKED_AT_ONCE) {
      const some = taskIds.slice(at, at + LOOKED_AT_ONCE);
      const known = await Promise.all(
        some.map((id) => this.executor.remembers(id, perTaskCommandId(commandId, id))),
      );
      const first = known.indexOf(true);
      if (first !== -1) return some[first];
    }
    return undefined;
  }
}
