import { TaskStatus } from './task-status.js';

const { Pending, Running, Paused, WaitingForApproval, Completed, Failed, Cancelled, Deleted } =
  TaskStatus;

/** What a transition may ask of a task beyond its status. */
export interface TransitionFacts {
  readonly status: TaskStatus;
  /** A lease is held, run out or not. */
  readonly leased: boolean;
  /** The runner has said that it stopped for the present pause. */
  readonly pauseAcknowledged: boolean;
  /** The last failure will be retried by itself. */
  readonly retryToCome: boolean;
}

export type Condition = 'leased' | 'unleased' | 'unacknowledged' | 'retryToCome';

const CONDITIONS: Record<Condition, (facts: TransitionFacts) => boolean> = {
  leased: (facts) => facts.leased,
  unleased: (facts) => !facts.leased,
  unacknowledged: (facts) => !facts.pauseAcknowledged,
  retryToCome: (facts) => facts.retryToCome,
};

export interface Transition {
  /** Statuses it may happen in; a value says under which condition. */
  readonly from: Readonly<Partial<Record<TaskStatus, Condition | true>>>;
  /** The status after it; `same` keeps it, `before_pause` is what stood before the pause (pending when a lease ended with it). */
  readonly to: TaskStatus | 'same' | 'before_pause' | 'by_event';
  /** Its name in the feed. */
  readonly feed: string;
}

const always = {
  [Pending]: true,
  [Running]: true,
  [Paused]: true,
  [WaitingForApproval]: true,
} as const;

/**
 * Every event of a task: where it may happen, where it leads (DESIGN §3). The decider refuses by it,
 * the diagram and the buttons of a screen are drawn from it. TaskCreated starts a stream.
 */
export const TRANSITIONS = {
  TaskCreated: { from: {}, to: Pending, feed: 'created' },
  TaskStarted: { from: { [Pending]: true, [Running]: 'unleased' }, to: Running, feed: 'started' },
  ProgressUpdated: {
    from: { [Running]: true, [Paused]: 'unacknowledged' },
    to: 'same',
    feed: 'progress',
  },
  TaskDataUpdated: { from: { ...always, [Failed]: 'retryToCome' }, to: 'same', feed: 'data' },
  TaskErrorRecorded: {
    from: { ...always, [Completed]: true, [Failed]: true, [Cancelled]: true },
    to: 'same',
    feed: 'error',
  },
  TaskLeaseRenewed: {
    from: { [Running]: 'leased', [Paused]: 'leased' },
    to: 'same',
    feed: 'lease_renewed',
  },
  TaskLeaseExpired: {
    from: { [Running]: 'leased', [Paused]: 'leased' },
    to: 'by_event',
    feed: 'lease_expired',
  },
  TaskReleased: { from: { [Running]: 'leased' }, to: Pending, feed: 'released' },
  TaskPaused: { from: { [Pending]: true, [Running]: true }, to: Paused, feed: 'paused' },
  TaskPauseAcknowledged: {
    from: { [Paused]: 'unacknowledged' },
    to: 'same',
    feed: 'pause_acknowledged',
  },
  TaskResumed: { from: { [Paused]: true }, to: 'before_pause', feed: 'resumed' },
  TaskApprovalRequested: {
    from: { [Running]: true, [Paused]: 'unacknowledged' },
    to: WaitingForApproval,
    feed: 'approval_requested',
  },
  ApproversNotified: {
    from: { [WaitingForApproval]: true },
    to: 'same',
    feed: 'approvers_notified',
  },
  TaskApprovalGiven: { from: { [WaitingForApproval]: true }, to: 'same', feed: 'approval_given' },
  TaskApproved: { from: { [WaitingForApproval]: true }, to: 'by_event', feed: 'approved' },
  TaskRejected: { from: { [WaitingForApproval]: true }, to: 'same', feed: 'rejected' },
  TaskApprovalExpired: {
    from: { [WaitingForApproval]: true },
    to: 'same',
    feed: 'approval_expired',
  },
  TaskCompleted: {
    from: { [Running]: true, [Paused]: 'unacknowledged' },
    to: Completed,
    feed: 'completed',
  },
  TaskFailed: { from: always, to: Failed, feed: 'failed' },
  TaskRetryScheduled: { from: { [Failed]: 'retryToCome' }, to: 'same', feed: 'retry_scheduled' },
  TaskRetried: { from: { [Failed]: true }, to: Pending, feed: 'retry' },
  TaskCancelled: { from: { ...always, [Failed]: 'retryToCome' }, to: Cancelled, feed: 'cancelled' },
  TaskCancelAcknowledged: {
    from: { [Cancelled]: true, [Deleted]: true },
    to: 'same',
    feed: 'cancel_acknowledged',
  },
  TaskDeleted: {
    from: { ...always, [Completed]: true, [Failed]: true, [Cancelled]: true },
    to: Deleted,
    feed: 'deleted',
  },
} as const satisfies Record<string, Transition>;

export type TaskEventType = keyof typeof TRANSITIONS;
export type FeedName = (typeof TRANSITIONS)[TaskEventType]['feed'];

export const TASK_EVENT_TYPES = Object.keys(TRANSITIONS) as TaskEventType[];

/** The stored type of each feed name, e.g. `retry` → `TaskRetried`. */
export const EVENT_TYPE_OF_FEED = new Map<string, TaskEventType>(
  TASK_EVENT_TYPES.map((type) => [TRANSITIONS[type].feed, type]),
);

/** Whether an event of this type may happen to a task now. */
export function mayHappen(type: TaskEventType, facts: TransitionFacts): boolean {
  const transition: Transition = TRANSITIONS[type];
  const condition = transition.from[facts.status];
  return condition !== undefined && (condition === true || CONDITIONS[condition](facts));
}

/** Statuses in which an event of this type may happen, condition or not: for messages and diagrams. */
export function allowedStatuses(type: TaskEventType): TaskStatus[] {
  return Object.keys(TRANSITIONS[type].from) as TaskStatus[];
}
