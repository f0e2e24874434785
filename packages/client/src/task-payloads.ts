/** What the listeners of a TaskService are told, and how it is read from an event of the feed. */
import type { Json } from '@taskmanager/protocol';
import type { TaskListenerData } from './feed/task-listener.js';

/** Told of one event; what it throws, or rejects with, goes to the client's `onError`. */
export type TaskCallback<Payload> = (payload: Payload) => void | Promise<void>;

export interface TaskCancelledPayload {
  readonly taskId: string;
  readonly taskType: string;
}

export interface TaskCompletedPayload extends TaskCancelledPayload {
  /** Absent when it was completed without one. */
  readonly result?: Json;
}

export interface TaskFailedPayload extends TaskCancelledPayload {
  readonly error: string;
}

export interface TaskProgressPayload extends TaskCancelledPayload {
  /** Percent, 0 to 100. */
  readonly progress: number;
  readonly message?: string;
}

export interface TaskRetryPayload extends TaskCancelledPayload {
  readonly retryCount: number;
  readonly maxRetries: number;
}

export function cancelledPayload({ taskId, taskType }: TaskListenerData): TaskCancelledPayload {
  return { taskId, taskType };
}

export function completedPayload(data: TaskListenerData): TaskCompletedPayload {
  return { ...cancelledPayload(data), ...present(data, 'result') };
}

export function failedPayload(data: TaskListenerData): TaskFailedPayload {
  return { ...cancelledPayload(data), error: data['error'] as string };
}

export function progressPayload(data: TaskListenerData): TaskProgressPayload {
  const progress = data['progress'] as number;
  return { ...cancelledPayload(data), progress, ...present(data, 'message') };
}

export function retryPayload(data: TaskListenerData): TaskRetryPayload {
  const { retryCount, maxRetries } = data as unknown as TaskRetryPayload;
  return { ...cancelledPayload(data), retryCount, maxRetries };
}

function present(data: TaskListenerData, field: string): object {
  return data[field] === undefined ? {} : { [field]: data[field] };
}
