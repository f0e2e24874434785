import { ExpireApproval } from '../commands/internal/expire-approval.command.js';
import { NotifyApprovers } from '../commands/internal/notify-approvers.command.js';
import { type TaskCommand, messageOf } from '../commands/task-command.js';
import { TaskApprovalRequested } from '../events/index.js';
import { type DueTimer, On, OnDue, type SagaEvent, TaskSaga } from '../processing/index.js';

/** Approvers are told, reminded and escalated to; a request that nobody answers expires. */
@TaskSaga({ name: 'approval', version: 1 })
export class ApprovalSaga {
  @On(TaskApprovalRequested)
  announce({ taskId, metadata }: SagaEvent<TaskApprovalRequested>): TaskCommand[] {
    return [notify(taskId, metadata.timestamp, 'requested')];
  }

  @OnDue(['approval_reminder'])
  remind({ taskId, requestedAt }: DueTimer): TaskCommand[] {
    return requestedAt === undefined ? [] : [notify(taskId, requestedAt, 'reminder')];
  }

  @OnDue(['approval_escalation'])
  escalate({ taskId, requestedAt }: DueTimer): TaskCommand[] {
    return requestedAt === undefined ? [] : [notify(taskId, requestedAt, 'escalation')];
  }

  @OnDue(['approval_due'])
  expire({ taskId, requestedAt }: DueTimer): TaskCommand[] {
    return requestedAt === undefined
      ? []
      : [messageOf(ExpireApproval, { id: taskId, requestedAt })];
  }
}

const notify = (id: string, requestedAt: number, kind: NotifyApprovers['kind']): NotifyApprovers =>
  messageOf(NotifyApprovers, { id, requestedAt, kind });
