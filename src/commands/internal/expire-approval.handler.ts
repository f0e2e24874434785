import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../context/index.js';
import { type AnyTaskEvent, TaskApprovalExpired } from '../../events/index.js';
import { type Task, failed } from '../../task/index.js';
import { ExpireApproval } from './expire-approval.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(ExpireApproval)
export class ExpireApprovalHandler extends TaskCommandHandler<ExpireApproval> {
  decide(task: Task, { requestedAt }: ExpireApproval, { now }: CommandContext): AnyTaskEvent[] {
    const { approval } = task;
    if (task.status !== 'waiting_for_approval' || approval?.requestedAt !== requestedAt) return [];
    const { dueAt } = approval;
    if (dueAt === undefined || dueAt > now) return [];
    const error = `Nobody approved it before ${new Date(dueAt).toISOString()}.`;
    return [new TaskApprovalExpired({ dueAt }), failed(task, error, false)];
  }
}
