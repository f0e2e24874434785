import type { TaskStatus } from '@taskmanager/protocol';
import { nextDueAt, type Task } from '../../task/index.js';

/** What most lists ask for; tasks that agree in all of it are counted together. */
export interface GroupKey {
  readonly status: TaskStatus;
  readonly taskType: string;
  readonly appName: string;
  readonly runBy: string;
  readonly persistent: 0 | 1;
  /** `leased`: a worker holds it. `retries_left`: failed, and may be retried. */
  readonly mark: '' | 'leased' | 'retries_left';
}

export function groupOf(task: Task): GroupKey {
  const { status, taskType, appName, runBy, persistent } = task;
  return { status, taskType, appName, runBy, persistent: persistent ? 1 : 0, mark: markOf(task) };
}

function markOf({ status, leased, retryCount, maxRetries }: Task): GroupKey['mark'] {
  if (leased) return 'leased';
  return status === 'failed' && retryCount < maxRetries ? 'retries_left' : '';
}

export const labelTag = (key: string, value: string): string =>
  `label:${JSON.stringify([key, value])}`;
export const ANYONE = 'approver:*';
/** `who`: an actor id or `role:<name>`. */
export const approverTag = (who: string): string => `approver:=${who}`;

/** Whose vote would be refused: has voted, or asked and may not answer. Hides the task from them. */
export const votedTag = (who: string): string => `voted:=${who}`;

/** Labels, and those whose vote is waited for; who has voted no longer is. */
export function tagsOf(task: Task): Set<string> {
  const tags = new Set<string>();
  for (const [key, value] of Object.entries(task.labels)) tags.add(labelTag(key, value));
  const { approval } = task;
  if (task.status !== 'waiting_for_approval' || approval?.outcome !== 'waiting') return tags;
  const escalated = approval.escalated ? (approval.escalateTo ?? []) : [];
  if (approval.approvers.length === 0) tags.add(ANYONE);
  for (const who of [...approval.approvers, ...escalated]) tags.add(approverTag(who));
  const done = approval.votes.map(({ by }) => by);
  if (!approval.allowSelf) done.push(approval.requestedBy);
  for (const who of done) {
    tags.delete(approverTag(who));
    tags.add(votedTag(who));
  }
  return tags;
}

/** Text is looked for without regard to case: both sides are folded by this. */
export const foldText = (text: string): string => text.toLowerCase();

export function searchText({ name, error }: Task): string {
  return foldText(error === undefined ? name : `${name}\n${error}`);
}

/** Whether everything but state and time of change is in the row as it was. */
export function sameColumns(a: Task, b: Task): boolean {
  return (
    a.status === b.status &&
    a.leased === b.leased &&
    a.error === b.error &&
    a.claimId === b.claimId &&
    a.approval === b.approval &&
    a.pausedAt === b.pausedAt &&
    a.completedAt === b.completedAt &&
    a.retryCount === b.retryCount &&
    a.maxRetries === b.maxRetries
  );
}

/** A worker may claim it, now or once its runAt has passed. */
export const isQueued = ({ status, runBy }: Task): boolean =>
  status === 'pending' && runBy === 'worker';

/** The columns of a task's row that may change, beside its group and state. */
export function columnsOf(task: Task) {
  const { status, updatedAt } = task;
  return {
    updated_at: updatedAt,
    status,
    completed_at: task.completedAt ?? null,
    paused_at: status === 'paused' ? (task.pausedAt ?? null) : null,
    claim_id: status === 'running' && task.leased ? (task.claimId ?? null) : null,
    due_at: nextDueAt(task) ?? null,
    error: task.error ?? null,
  };
}
