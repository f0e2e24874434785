import type { FeedEvent } from '@taskmanager/protocol';
import type { TaskManagerError } from '../errors.js';
import { type StopKind, TaskStopped } from './task-stopped.js';

/** How a held task stands, as the feed or an answer tells it. */
export interface TaskNews {
  /** Of the task; undefined for a refusal, which is about the task as it is now. */
  readonly revision?: number;
  /** `go_on`: it runs, under this worker's lease. */
  readonly then: StopKind | 'go_on';
  /** What somebody gave as the reason. */
  readonly reason?: string;
}

/** The events that stop a handler, or let it go on. */
export const HEARD_BY_WORKERS: readonly string[] = [
  'paused',
  'resumed',
  'cancelled',
  'deleted',
  'failed',
  'released',
  'lease_expired',
];

const BY_STATUS: Readonly<Record<string, TaskNews['then']>> = {
  running: 'go_on',
  paused: 'paused',
  cancelled: 'cancelled',
  deleted: 'deleted',
  failed: 'failed',
  waiting_for_approval: 'waiting_for_approval',
};

/** What a task in this status is to its holder; in any other it is somebody else's, or over. */
export function thenOf(status: unknown): TaskNews['then'] {
  return BY_STATUS[String(status)] ?? 'lease_lost';
}

export function newsOfEvent({ event, status, revision, data }: FeedEvent): TaskNews {
  const { reason, error } = data;
  const said = reason ?? error;
  return {
    revision,
    // A lease that ends while the task is paused leaves it paused.
    then: event === 'lease_expired' ? 'lease_lost' : thenOf(status),
    ...(typeof said === 'string' && { reason: said }),
  };
}

/** What a refused command says of the task; undefined when it was refused for another cause. */
export function newsOfRefusal({ code, details }: TaskManagerError): TaskNews | undefined {
  if (code === 'INVALID_TRANSITION') return { then: thenOf(details?.status) };
  if (code === 'LEASE_LOST' || code === 'TASK_NOT_FOUND') return { then: 'lease_lost' };
  return undefined;
}

const SENTENCES: Readonly<Record<StopKind, string>> = {
  cancelled: 'was cancelled',
  deleted: 'was deleted',
  paused: 'was paused',
  waiting_for_approval: 'waits for approval',
  failed: 'was ended as failed by somebody else, or by its time limit',
  lease_lost: 'is not held by this worker any more',
  shutdown: 'is handed back: this worker stops',
};

export function taskStopped(taskId: string, kind: StopKind, reason?: string): TaskStopped {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new TaskStopped(kind, `Task ${taskId} ${SENTENCES[kind]}${why}`, reason);
}
