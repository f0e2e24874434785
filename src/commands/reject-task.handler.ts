import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, TaskRejected } from '../events/index.js';
import { type Task, failed } from '../task/index.js';
import { assertMayVote, openApproval } from './approval-vote.js';
import { RejectTask } from './reject-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(RejectTask)
export class RejectTaskHandler extends TaskCommandHandler<RejectTask> {
  decide(task: Task, { reason }: RejectTask, context: CommandContext): AnyTaskEvent[] {
    const approval = openApproval(task);
    if (approval) assertMayVote(task, approval, context);
    const by = context.actor.id;
    return [new TaskRejected({ by, reason }), failed(task, `Rejected by ${by}: ${reason}`, false)];
  }
}
