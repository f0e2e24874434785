import type { ApprovalState } from './task.js';

/** Who may answer now: actor ids or `role:<name>`; empty means anyone. */
export function voters({
  approvers,
  escalated,
  escalateTo = [],
}: Pick<ApprovalState, 'approvers' | 'escalated' | 'escalateTo'>): readonly string[] {
  return approvers.length === 0 || !escalated ? approvers : [...approvers, ...escalateTo];
}

/** When those who have not answered are told again, epoch milliseconds; undefined for never. */
export function reminderDueAt({
  requestedAt,
  remindedAt = requestedAt,
  remindEveryMs,
}: Pick<ApprovalState, 'requestedAt' | 'remindedAt' | 'remindEveryMs'>): number | undefined {
  return remindEveryMs === undefined ? undefined : remindedAt + remindEveryMs;
}

/** When others are asked too, epoch milliseconds; undefined once they were, or for never. */
export function escalationDueAt({
  requestedAt,
  escalated,
  escalateTo = [],
  escalateAfterMs,
}: Pick<ApprovalState, 'requestedAt' | 'escalated' | 'escalateTo' | 'escalateAfterMs'>):
  number | undefined {
  const toCome = !escalated && escalateTo.length > 0 && escalateAfterMs !== undefined;
  return toCome ? requestedAt + escalateAfterMs : undefined;
}
