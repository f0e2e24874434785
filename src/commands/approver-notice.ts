import { noticeId } from '../context/index.js';
import {
  type ApprovalState,
  type Task,
  escalationDueAt,
  reminderDueAt,
  voters,
} from '../task/index.js';
import type { ApproverNotice, NoticeKind } from './approver-notices.port.js';

/** The notice, if the task still waits for this answer and it is due and was not recorded before. */
export function wantedNotice(
  task: Task,
  { requestedAt, kind }: { readonly requestedAt: number; readonly kind: NoticeKind },
  now: number,
): ApproverNotice | undefined {
  const { approval } = task;
  if (task.status !== 'waiting_for_approval' || approval?.requestedAt !== requestedAt) {
    return undefined;
  }
  const dueAt = noticeDueAt(approval, kind);
  // Who hears of it when it is over can only be refused.
  if (dueAt === undefined || dueAt > now || (approval.dueAt ?? Infinity) <= now) return undefined;
  return {
    id: noticeId(task.id, requestedAt, kind, dueAt),
    kind,
    taskId: task.id,
    taskType: task.taskType,
    appName: task.appName,
    name: task.name,
    approvers: toTell(approval, kind),
    quorum: approval.quorum,
    votes: approval.votes,
    requestedBy: approval.requestedBy,
    requestedAt,
    ...(approval.dueAt !== undefined && { dueAt: approval.dueAt }),
    ...(approval.comment !== undefined && { comment: approval.comment }),
  };
}

/** Epoch milliseconds; undefined when there is none to come. */
function noticeDueAt(approval: ApprovalState, kind: NoticeKind): number | undefined {
  switch (kind) {
    case 'requested':
      return approval.announced ? undefined : approval.requestedAt;
    case 'reminder':
      return reminderDueAt(approval);
    case 'escalation':
      return escalationDueAt(approval);
  }
}

/** Those who may answer and have not; an escalation is for the escalation approvers. */
function toTell(approval: ApprovalState, kind: NoticeKind): readonly string[] {
  const { allowSelf, requestedBy, votes, escalateTo = [] } = approval;
  const asked = kind === 'escalation' ? escalateTo : voters(approval);
  const open = asked.filter(
    (who) => !votes.some(({ by }) => by === who) && (allowSelf || who !== requestedBy),
  );
  // Nobody would mean anyone.
  return open.length > 0 ? open : asked;
}
