import { TaskStatus } from '@taskmanager/protocol';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn } from 'class-validator';
import { IsAppName, IsDuration, Optional } from './fields.js';

/** Statuses in which a task has ended and can be cleaned up. */
export const ENDED: readonly TaskStatus[] = [
  TaskStatus.Completed,
  TaskStatus.Failed,
  TaskStatus.Cancelled,
];

/** Deletes tasks that ended long enough ago, up to 1,000 a call. */
export class CleanupTasks {
  static readonly message = 'cleanup_tasks';

  /** Milliseconds since the task ended; one hour when left out. */
  @Optional()
  @IsDuration()
  readonly maxAgeMs?: number;

  /** Final ones; all of them when left out. */
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ENDED.length)
  @IsIn(ENDED, { each: true })
  readonly statuses?: readonly TaskStatus[];

  @Optional()
  @IsAppName()
  readonly appName?: string;
}
