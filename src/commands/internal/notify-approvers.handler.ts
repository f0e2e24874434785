import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandAnswer } from '@taskmanager/protocol';
import { type CommandContext, Refusal, contextOf } from '../../context/index.js';
import { type AnyTaskEvent, ApproversNotified } from '../../events/index.js';
import type { Task } from '../../task/index.js';
import { wantedNotice } from '../approver-notice.js';
import { type ApproverNotice, ApproverNotices } from '../approver-notices.port.js';
import { CommandExecutor } from '../command-executor.js';
import { NotifyApprovers } from './notify-approvers.command.js';

/** Whoever sends has a limit for each endpoint, so that one that hangs does not take all of these. */
const MAX_UNDER_WAY = 1_024;

/**
 * Tells approvers, then records on which channels and how that went. Between the two the task is free
 * for votes, however slow an endpoint is; a crash there sends the same notice again, under the same id.
 */
@CommandHandler(NotifyApprovers)
export class NotifyApproversHandler implements ICommandHandler<NotifyApprovers> {
  /** By the id of the notice. */
  private readonly underWay = new Map<string, Promise<CommandAnswer>>();

  constructor(
    private readonly executor: CommandExecutor,
    private readonly notices: ApproverNotices,
  ) {}

  async execute(command: NotifyApprovers): Promise<CommandAnswer> {
    let notice: ApproverNotice | undefined;
    const looked = await this.run(command, (task, { now }) => {
      notice = wantedNotice(task, command, now);
      return [];
    });
    if (!notice) return looked;
    const { id } = notice;
    // A vote meanwhile makes its timer fire once more, under another id.
    const same = this.underWay.get(id);
    if (same) return same;
    if (this.underWay.size >= MAX_UNDER_WAY) {
      throw new Refusal('OVERLOADED', `${MAX_UNDER_WAY} notices are being sent; try it later.`);
    }
    const told = this.tell(command, notice).finally(() => this.underWay.delete(id));
    this.underWay.set(id, told);
    return told;
  }

  private async tell(command: NotifyApprovers, notice: ApproverNotice): Promise<CommandAnswer> {
    const { gone } = contextOf(command);
    const outcomes = await this.notices.send(notice, gone);
    // Who gave up has told nobody, and whoever comes next will.
    if (gone?.aborted) throw new Refusal('UNAVAILABLE', 'The service stops; try it later.');
    const { id, kind } = notice;
    return this.run(command, (task, { now }) =>
      wantedNotice(task, command, now)?.id === id
        ? outcomes.map((outcome) => new ApproversNotified({ kind, ...outcome }))
        : [],
    );
  }

  private async run(
    command: NotifyApprovers,
    decide: (task: Task, context: CommandContext) => AnyTaskEvent[],
  ): Promise<CommandAnswer> {
    const { answer } = await this.executor.execute({
      taskId: command.id,
      command: NotifyApprovers.name,
      context: contextOf(command),
      decide: (task, context) => (task ? decide(task, context) : []),
    });
    return answer;
  }
}
