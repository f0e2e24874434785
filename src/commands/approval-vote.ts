import type { Json } from '@taskmanager/protocol';
import { type CommandContext, listed, Refusal } from '../context/index.js';
import {
  type AnyTaskEvent,
  TaskApprovalGiven,
  TaskApproved,
  TaskCompleted,
} from '../events/index.js';
import { type ApprovalState, type Task, voters } from '../task/index.js';

interface Vote {
  readonly comment?: string;
  /** Set when the vote is a complete_task: it completes the task if it fills the quorum. */
  readonly completes?: { readonly result?: Json };
}

/** A yes: the vote, and what follows once enough have voted. */
export function vote(
  task: Task,
  { comment, completes }: Vote,
  context: CommandContext,
): AnyTaskEvent[] {
  const approval = openApproval(task);
  const given = new TaskApprovalGiven({
    by: context.actor.id,
    ...(comment !== undefined && { comment }),
    ...(completes?.result !== undefined && { result: completes.result }),
  });
  // Never asked: the transition table says so.
  if (!approval) return [given];
  assertMayVote(task, approval, context);
  if (approval.votes.length + 1 < approval.quorum) return [given];
  if (!completes && approval.onApproved === 'resume') {
    return [given, new TaskApproved({ resumesTo: approval.askedByWorker ? 'pending' : 'running' })];
  }
  const { result = approval.result } = completes ?? {};
  return [
    given,
    new TaskApproved({ resumesTo: 'running' }),
    new TaskCompleted(result === undefined ? {} : { result }),
  ];
}

/**
 * The question that the task waits on; undefined when nothing was ever asked. Refuses what comes after
 * the answer, saying what that was.
 */
export function openApproval(task: Task): ApprovalState | undefined {
  const { approval, status, id } = task;
  if (!approval || status === 'waiting_for_approval') return approval;
  throw new Refusal(
    'INVALID_TRANSITION',
    `Task ${id} waits for no approval: ${howItEnded(approval)}. It is ${status} now.`,
    { taskId: id, status, reason: `approval_${approval.outcome}` },
  );
}

function howItEnded({ outcome, votes, rejectedBy, rejectedReason, dueAt }: ApprovalState): string {
  switch (outcome) {
    case 'approved':
      return `${listed(votes.map(({ by }) => by))} approved it already`;
    case 'rejected':
      return `${rejectedBy} rejected it (${rejectedReason})`;
    case 'expired':
      return `nobody answered before ${new Date(dueAt ?? 0).toISOString()}`;
    case 'waiting':
    case 'withdrawn':
      return 'the question was withdrawn before it was answered';
  }
}

/** Refuses whoever was not asked, has voted, or comes too late. */
export function assertMayVote(
  task: Task,
  approval: ApprovalState,
  { actor, now }: CommandContext,
): void {
  const refuse = (
    code: 'FORBIDDEN' | 'INVALID_TRANSITION',
    reason: string,
    text: string,
  ): never => {
    throw new Refusal(code, text, { taskId: task.id, status: task.status, reason });
  };
  if (approval.votes.some(({ by }) => by === actor.id)) {
    refuse(
      'INVALID_TRANSITION',
      'already_voted',
      `${actor.id} has voted on task ${task.id} already.`,
    );
  }
  const asked = voters(approval);
  const mayVote =
    asked.length === 0 ||
    asked.includes(actor.id) ||
    actor.roles.some((role) => asked.includes(`role:${role}`));
  if (!mayVote) {
    refuse(
      'FORBIDDEN',
      'not_an_approver',
      `${actor.id} was not asked to approve task ${task.id}; it waits for ${listed(asked)}.`,
    );
  }
  if (!approval.allowSelf && actor.id === approval.requestedBy) {
    refuse(
      'FORBIDDEN',
      'own_request',
      `${actor.id} asked for the approval of task ${task.id} and may not give it.`,
    );
  }
  if (approval.dueAt !== undefined && approval.dueAt <= now) {
    refuse(
      'INVALID_TRANSITION',
      'approval_expired',
      `The time to approve task ${task.id} was over at ${new Date(approval.dueAt).toISOString()}.`,
    );
  }
}
