import { TaskEvent } from './task-event.js';

export interface ApproversNotifiedData {
  readonly kind: 'requested' | 'reminder' | 'escalation';
  /** Where it went: the name of an endpoint, or `log`. */
  readonly channel: string;
  /** `delivered`, or why not. */
  readonly outcome: string;
}

/** Approvers were told, and how that went. */
export class ApproversNotified extends TaskEvent<ApproversNotifiedData> {
  static readonly type = 'ApproversNotified';
  static readonly version = 1;
  readonly type = ApproversNotified.type;
  readonly version = ApproversNotified.version;
}
