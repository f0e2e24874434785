import type { Reason } from '@taskmanager/protocol';
import { listed } from '../../context/index.js';
import { escalationDueAt, reminderDueAt, type Task, voters } from '../../task/index.js';
import { howLong, iso, quoted } from './reason-text.js';

/** Whose yes is missing, and what happens while nobody says it. */
export function approvalReasons({ approval }: Task, now: number): Reason[] {
  if (!approval) return [];
  const { quorum, votes, requestedBy, requestedAt, allowSelf, comment } = approval;
  const done = votes.map(({ by }) => by);
  const asked = voters(approval).filter(
    (who) => !done.includes(who) && (allowSelf || who !== requestedBy),
  );
  // By his role, or as anyone, he who asked could be meant.
  const isNamed = asked.length > 0 && !asked.some((who) => who.startsWith('role:'));
  const missing = quorum - votes.length;
  const from = asked.length === 0 ? 'anyone' : listed(asked);
  const self = allowSelf || isNamed ? '' : `, but not from ${requestedBy}, who asked`;
  const so = votes.length === 0 ? '' : `; ${listed(done)} said yes`;
  const about = comment === undefined ? '' : ` ${quoted(comment)}`;
  const text = `${requestedBy} asked for approval at ${iso(requestedAt)}.${about} It has ${votes.length} of ${quorum} votes${so}; ${missing} more must come from ${from}${self} (approve_task or reject_task).`;
  const reasons: Reason[] = [{ code: 'waits_for_approval', text, by: from }];
  const add = (code: Reason['code'], at: number | undefined, what: string) => {
    if (at === undefined) return;
    const when = at > now ? `At ${iso(at)}, in ${howLong(at - now)},` : `Since ${iso(at)}`;
    reasons.push({ code, text: `${when} ${what}`, until: at });
  };
  add('approval_due', approval.dueAt, 'the question is over: unanswered, the task fails.');
  add('approval_reminder', reminderDueAt(approval), 'the approvers are to be reminded.');
  const escalateTo = listed(approval.escalateTo ?? []);
  add('approval_escalation', escalationDueAt(approval), `${escalateTo} are to be asked too.`);
  return reasons;
}
