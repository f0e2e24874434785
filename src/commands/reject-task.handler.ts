import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, TaskRejected } from '../events/index.js';
import { type Task, failed } from '../task/index.js';
import { assertMayVote } from './approval-vote.js';
import { RejectTask } from './reject-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(RejectTask)
export class RejectTaskHandler extends TaskCommandHandler<RejectTask> {
  decide(task: Task, { reason }: RejectTask, context: CommandContext): AnyTaskEvent[] {
    if (task.approval && task.status === 'waiting_for_approval') {
      assertMayVote(task, task.approval, context);
    }
    const by = context.actor.id;
    return [new TaskRejected({ by, reason }), failed(task, `Rejected by ${by}: ${reason}`, false)];
  }
}
