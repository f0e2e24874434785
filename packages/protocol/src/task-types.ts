/** Task types as a whole, and who works on them: answers of `tasks.admin.*_task_type` and `list_workers`. */
import type { TaskStatus } from './task-status.js';

/** What a command about a task type answers. */
export interface TaskTypeAnswer {
  readonly taskType: string;
  readonly paused: boolean;
  /** How many tasks of it workers may hold at once; missing: as many as they like. */
  readonly maxRunning?: number;
  /** Of the last event about task types that the answer knows of; missing while there is none. */
  readonly revision?: number;
  readonly position?: string;
  /** The command had taken effect before; this is its first answer. */
  readonly repeated?: true;
}

export interface TaskTypeInfo {
  readonly taskType: string;
  /** Missing while workers may claim it. `at`: epoch milliseconds. */
  readonly paused?: { readonly by: string; readonly at: number; readonly reason?: string };
  readonly maxRunning?: number;
  /** Tasks of it under a lease. */
  readonly held: number;
  /** Tasks of it that wait for a worker, or for their time. */
  readonly pending: number;
}

/** In the order of their names. */
export interface TaskTypesPage {
  readonly types: readonly TaskTypeInfo[];
  readonly nextCursor?: string;
}

/** A task that a worker holds. */
export interface HeldTask {
  readonly taskId: string;
  readonly taskType: string;
  readonly appName: string;
  readonly status: TaskStatus;
  readonly leaseEpoch: number;
  /** Epoch milliseconds. */
  readonly leaseExpiresAt: number;
}

export interface WorkerInfo {
  readonly workerId: string;
  /** Who sent its last claim to the asked process; missing when it sent none of late. */
  readonly actor?: string;
  /** What it claims at the asked process, and what it holds. */
  readonly taskTypes: readonly string[];
  /** Its claims that wait for tasks at the asked process. */
  readonly waiting: number;
  /** Of its last claim at the asked process, epoch milliseconds. */
  readonly lastSeenAt?: number;
  /** The first of what it holds, whichever process gave it out. */
  readonly holds: readonly HeldTask[];
  /** How many tasks it holds. */
  readonly holding: number;
}

/** In the order of their ids. */
export interface WorkersPage {
  readonly workers: readonly WorkerInfo[];
  readonly nextCursor?: string;
  /** So many tasks are held that not all were looked at: some workers may hold more than is said. */
  readonly more?: true;
}
