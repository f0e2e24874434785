import type { ApprovalVote } from '@taskmanager/protocol';

/** Why approvers are told: somebody asked, nobody has answered for a while, or others are asked too. */
export type NoticeKind = 'requested' | 'reminder' | 'escalation';

/** What approvers are told about a task that waits for them. */
export interface ApproverNotice {
  /** The same each time this notice is sent, so that whoever gets it twice can tell: a UUID. */
  readonly id: string;
  readonly kind: NoticeKind;
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  /** The task's name. */
  readonly name: string;
  /**
   * Who is told: actor ids or `role:<name>`; empty means anyone. A reminder goes to those who have not
   * voted yet, an escalation to the escalation approvers.
   */
  readonly approvers: readonly string[];
  /** So many must say yes. */
  readonly quorum: number;
  /** Who has said yes so far. */
  readonly votes: readonly ApprovalVote[];
  readonly requestedBy: string;
  /** Epoch milliseconds, as all times here. */
  readonly requestedAt: number;
  readonly dueAt?: number;
  readonly comment?: string;
}

/** How telling them went on one channel, as the task's history keeps it. */
export interface NoticeOutcome {
  /** Where it went: the name of an endpoint, or `log`. */
  readonly channel: string;
  /** `delivered`, or why not. */
  readonly outcome: string;
}

/** Tells approvers that a task waits for them: webhooks, or a line in the log. */
export abstract class ApproverNotices {
  /**
   * Sends the notice to the endpoints of its approvers, else writes a log line; answers at least one
   * outcome, one for each channel. Bounded in time, whatever the endpoints do; gives up early when
   * `signal` fires. A channel that fails is an outcome; rejects only with Refusal OVERLOADED, before
   * anything was sent, when one of its endpoints has too much under way.
   */
  abstract send(notice: ApproverNotice, signal?: AbortSignal): Promise<readonly NoticeOutcome[]>;
}
