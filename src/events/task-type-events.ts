import type { EventMetadata } from './event-metadata.js';
import { EventRegistry, type Stored } from './event-registry.js';
import { TaskEvent } from './task-event.js';

/** One stream for what is decided about task types as a whole, with a hash chain of its own (ADR 25). */
export const TASK_TYPES_STREAM = 'types';

export interface TaskTypePausedData {
  readonly taskType: string;
  readonly reason?: string;
}

/** No worker gets tasks of the type until it is resumed; those that run go on. */
export class TaskTypePaused extends TaskEvent<TaskTypePausedData> {
  static readonly type = 'TaskTypePaused';
  static readonly version = 1;
  readonly type = TaskTypePaused.type;
  readonly version = TaskTypePaused.version;
}

export interface TaskTypeResumedData {
  readonly taskType: string;
  readonly reason?: string;
}

/** Workers get tasks of the type again. */
export class TaskTypeResumed extends TaskEvent<TaskTypeResumedData> {
  static readonly type = 'TaskTypeResumed';
  static readonly version = 1;
  readonly type = TaskTypeResumed.type;
  readonly version = TaskTypeResumed.version;
}

export interface TaskTypeLimitedData {
  readonly taskType: string;
  /** How many tasks of it workers may hold at once; null: as many as they like. */
  readonly maxRunning: number | null;
  readonly reason?: string;
}

/** How many tasks of the type may be under a lease at once. */
export class TaskTypeLimited extends TaskEvent<TaskTypeLimitedData> {
  static readonly type = 'TaskTypeLimited';
  static readonly version = 1;
  readonly type = TaskTypeLimited.type;
  readonly version = TaskTypeLimited.version;
}

export const TASK_TYPE_EVENT_CLASSES = [TaskTypePaused, TaskTypeResumed, TaskTypeLimited] as const;
export type AnyTaskTypeEvent = InstanceType<(typeof TASK_TYPE_EVENT_CLASSES)[number]>;

/** What is stored beside an event about a task type: nothing of a task. */
export type TaskTypeMetadata = Omit<EventMetadata, 'appName' | 'status' | 'attempt' | 'workerId'>;
export type StoredTaskTypeEvent = Stored<AnyTaskTypeEvent, TaskTypeMetadata>;

export const taskTypeEventRegistry = new EventRegistry<AnyTaskTypeEvent, TaskTypeMetadata>(
  TASK_TYPE_EVENT_CLASSES,
);
