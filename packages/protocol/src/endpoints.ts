import type { ApprovalVote } from './task-info.js';
import type { FeedEvent } from './feed.js';

/** An event as a webhook gets it: the body of the request, signed by the Standard Webhooks scheme. */
export interface TaskWebhook {
  /** `task.<feed name>`, e.g. `task.completed`. */
  readonly type: string;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: FeedEvent;
}

/** What an approver's endpoint gets: the body of the request, signed in the same way. */
export interface ApprovalWebhook {
  readonly type: 'approval.requested' | 'approval.reminder' | 'approval.escalation';
  /** When it was sent, ISO 8601. */
  readonly timestamp: string;
  readonly data: {
    /** The same for each endpoint and each time that this notice is sent. */
    readonly id: string;
    readonly taskId: string;
    readonly taskType: string;
    readonly appName: string;
    /** The task's name. */
    readonly name: string;
    /** All who are told by this notice: actor ids or `role:<name>`. */
    readonly approvers: readonly string[];
    /** Those of them whom this endpoint stands for. */
    readonly to: readonly string[];
    readonly quorum: number;
    readonly votes: readonly ApprovalVote[];
    readonly requestedBy: string;
    /** Epoch milliseconds. */
    readonly requestedAt: number;
    readonly dueAt?: number;
    readonly comment?: string;
  };
}

/** What NATS subscribers get on `tasks.event.<feed name>.<taskType>.<taskId>`. */
export interface PublishedEvent extends FeedEvent {
  /** The event was larger than the broker takes: `data` is empty here; get_task_history has it. */
  readonly truncated?: true;
}

/** A webhook as list_endpoints answers it: never with a secret. */
export interface WebhookInfo {
  readonly name: string;
  /** Without user, password and query. */
  readonly url: string;
  /** Feed names; missing: every event. */
  readonly events?: readonly string[];
  /** Missing: of every type. */
  readonly taskTypes?: readonly string[];
  /** Missing: of every app. */
  readonly appNames?: readonly string[];
  /** Milliseconds for one delivery. */
  readonly timeoutMs: number;
  /** Failed deliveries of one event after which it is parked. */
  readonly attempts: number;
  readonly allowPrivateRedirects: boolean;
}

export interface EndpointList {
  readonly webhooks: readonly WebhookInfo[];
  /** Names of the endpoints that tell an approver, by actor id or `role:<name>`. */
  readonly approvers: Readonly<Record<string, readonly string[]>>;
}
