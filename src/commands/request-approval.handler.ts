import { CommandHandler } from '@nestjs/cqrs';
import { type CommandContext, Refusal } from '../context/index.js';
import { type AnyTaskEvent, TaskApprovalRequested } from '../events/index.js';
import type { Task } from '../task/index.js';
import { requireLease } from './lease-check.js';
import { RequestApproval } from './request-approval.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(RequestApproval)
export class RequestApprovalHandler extends TaskCommandHandler<RequestApproval> {
  decide(task: Task, command: RequestApproval, context: CommandContext): AnyTaskEvent[] {
    requireLease(task, command);
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- all but these is the request
    const { workerId, leaseEpoch, id, approvers, quorum, allowSelf, onApproved, ...rest } = command;
    assertCanBeAnswered(command, context);
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

/** What nobody could answer, and promises that could not be kept, are refused before anybody waits. */
function assertCanBeAnswered(
  { approvers = [], quorum = 1, allowSelf = true, dueAt = Infinity, ...more }: RequestApproval,
  { actor, now }: CommandContext,
): void {
  const { escalateTo = [], escalateAfterMs } = more;
  // Nobody knows how many have a role, so only named approvers can be counted.
  const countable = approvers.length > 0 && !approvers.some((name) => name.startsWith('role:'));
  const voters = new Set(approvers.filter((name) => allowSelf || name !== actor.id)).size;
  if (countable && quorum > voters) {
    throw wrong(
      'quorum',
      `${quorum} votes cannot come from ${voters} approvers: ask more people or fewer votes.`,
    );
  }
  if (dueAt <= now) throw wrong('dueAt', 'dueAt is over already.');
  if (escalateTo.length > 0 && escalateAfterMs === undefined) {
    throw wrong(
      'escalateAfterMs',
      'escalateTo needs escalateAfterMs: after how long they are asked.',
    );
  }
  if (escalateAfterMs === undefined) return;
  if (escalateTo.length === 0) {
    throw wrong('escalateTo', 'escalateAfterMs needs escalateTo: who is asked then.');
  }
}

function wrong(field: string, text: string): Refusal {
  return new Refusal('VALIDATION_FAILED', text, { field });
}
