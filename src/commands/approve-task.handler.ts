import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import type { AnyTaskEvent } from '../events/index.js';
import type { Task } from '../task/index.js';
import { vote } from './approval-vote.js';
import { ApproveTask } from './approve-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(ApproveTask)
export class ApproveTaskHandler extends TaskCommandHandler<ApproveTask> {
  decide(task: Task, { comment }: ApproveTask, context: CommandContext): AnyTaskEvent[] {
    return vote(task, comment === undefined ? {} : { comment }, context);
  }
}
