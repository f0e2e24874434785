import type { Actor, FeedEvent, FeedName, TaskStatus } from '@taskmanager/protocol';

export type TaskListenerEvent =
  | 'task_created'
  | 'task_status_updated'
  | 'task_progress_updated'
  | 'task_data_updated'
  | 'task_error_updated'
  | 'task_deleted';

/** What a listener is told: the event's own fields (`error`, `result`, `progress`, `data` …) and these. */
export interface TaskListenerData {
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  /** After the event. */
  readonly status: TaskStatus;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Grows from event to event; compares as text. */
  readonly position: string;
  readonly revision: number;
  readonly actor: Actor;
  /** Feed name: which of the events that lead to a status it was, e.g. `resumed`. */
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Any event by its feed name; `task:*` for all of them. */
export type TaskEventName = `task:${FeedName}` | 'task:*';

/** The same data for whoever listens to events by their feed names. */
export type TaskEventListener = (data: TaskListenerData) => void | Promise<void>;

export type TaskListener = (
  event: TaskListenerEvent,
  data: TaskListenerData,
) => void | Promise<void>;

/**
 * What each event of the feed is to a listener. `undefined`: nothing a listener asks about changed;
 * where a status follows from such an event, the event that sets it comes right behind.
 */
const HEARD_AS: Readonly<Record<FeedName, TaskListenerEvent | undefined>> = {
  created: 'task_created',
  started: 'task_status_updated',
  progress: 'task_progress_updated',
  data: 'task_data_updated',
  error: 'task_error_updated',
  lease_renewed: undefined,
  lease_expired: 'task_status_updated',
  released: 'task_status_updated',
  paused: 'task_status_updated',
  pause_acknowledged: undefined,
  resumed: 'task_status_updated',
  approval_requested: 'task_status_updated',
  approvers_notified: undefined,
  approval_given: undefined,
  approved: 'task_status_updated',
  rejected: undefined,
  approval_expired: undefined,
  completed: 'task_status_updated',
  failed: 'task_status_updated',
  retry_scheduled: undefined,
  retry: 'task_status_updated',
  cancelled: 'task_status_updated',
  cancel_acknowledged: undefined,
  deleted: 'task_deleted',
};

/** The feed names a client has to read for its listeners. */
export const HEARD: readonly string[] = Object.entries(HEARD_AS)
  .filter(([, heardAs]) => heardAs !== undefined)
  .map(([feedName]) => feedName);

/** Calls a listener for an event of the feed. @throws what the listener throws, or rejects with */
export function tell(listener: TaskListener, event: FeedEvent): void | Promise<void> {
  const heardAs = HEARD_AS[event.event as FeedName];
  if (!heardAs || keepsStatus(event)) return;
  return listener(heardAs, dataOf(event));
}

/** Whether an event of the feed is one that goes by this name. @throws TypeError for no such name */
export function isCalled(name: TaskEventName): (event: FeedEvent) => boolean {
  const feedName = name.slice('task:'.length);
  if (name === 'task:*') return () => true;
  if (!name.startsWith('task:') || !Object.hasOwn(HEARD_AS, feedName)) {
    const names = Object.keys(HEARD_AS).map((each) => `task:${each}`);
    throw new TypeError(`There is no event ${name}: task:*, ${names.join(', ')}.`);
  }
  return ({ event }) => event === feedName;
}

/** The event's own fields, and what all events have. */
export function dataOf(feedEvent: FeedEvent): TaskListenerData {
  const { taskId, taskType, appName, status, at, position, revision, actor, event } = feedEvent;
  const common = { taskId, taskType, appName, status, at, position, revision, actor, event };
  return { ...feedEvent.data, ...common };
}

/** A lease that ends while the task is paused leaves it paused. */
function keepsStatus({ event, status }: FeedEvent): boolean {
  return event === 'lease_expired' && status === 'paused';
}
