import { CommandHandler } from '@nestjs/cqrs';
import { type CommandContext, Refusal } from '../context/index.js';
import { type AnyTaskEvent, TaskApprovalRequested } from '../events/index.js';
import type { Task } from '../task/index.js';
import { requireLease } from './lease-check.js';
import { RequestApproval } from './request-approval.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(RequestApproval)
export class RequestApprovalHandler extends TaskCommandHandler<RequestApproval> {
  decide(task: Task, command: RequestApproval, { now }: CommandContext): AnyTaskEvent[] {
    requireLease(task, command);
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- all but these is the request
    const { workerId, leaseEpoch, id, approvers, quorum, allowSelf, onApproved, ...rest } = command;
    assertCanBeAnswered(command, now);
    return [
      new TaskApprovalRequested({
        approvers: approvers ?? [],
        quorum: quorum ?? 1,
        allowSelf: allowSelf ?? true,
        onApproved: onApproved ?? 'resume',
        ...rest,
      }),
    ];
  }
}

function assertCanBeAnswered(
  { approvers = [], quorum = 1, dueAt }: RequestApproval,
  now: number,
): void {
  // Nobody knows how many have a role, so only named approvers can be counted.
  const countable = approvers.length > 0 && !approvers.some((name) => name.startsWith('role:'));
  if (countable && quorum > new Set(approvers).size) {
    throw new Refusal(
      'VALIDATION_FAILED',
      `${quorum} votes cannot come from ${approvers.length} approvers: ask more people or fewer votes.`,
      { field: 'quorum' },
    );
  }
  if (dueAt !== undefined && dueAt <= now) {
    throw new Refusal('VALIDATION_FAILED', 'dueAt is over already.', { field: 'dueAt' });
  }
}
