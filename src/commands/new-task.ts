import { type Backoff, type Json, LIMITS, type Timeouts } from '@taskmanager/protocol';
import { IsInt, Max, Min } from 'class-validator';
import {
  HasLength,
  IsAppName,
  IsBackoff,
  IsDuration,
  IsLabels,
  IsPayload,
  IsTaskId,
  IsTime,
  IsTimeouts,
  Optional,
} from './fields.js';

/** How often a task is tried again by itself, and when. */
export abstract class RetryFields {
  @Optional()
  @IsInt()
  @Min(0)
  @Max(LIMITS.maxRetries)
  readonly maxRetries?: number;

  @Optional()
  @IsDuration()
  readonly retryDelayMs?: number;

  @Optional()
  @IsBackoff()
  readonly backoff?: Backoff;
}

/** What every message that makes a task may say about it. */
export abstract class NewTask extends RetryFields {
  /** Chosen by the client, so that it knows the task before the answer comes. */
  @Optional()
  @IsTaskId()
  readonly id?: string;

  @Optional()
  @IsPayload()
  readonly data?: Json;

  /** Higher first. */
  @Optional()
  @IsInt()
  @Min(-1_000_000)
  @Max(1_000_000)
  readonly priority?: number;

  @Optional()
  @IsLabels()
  readonly labels?: Readonly<Record<string, string>>;

  @Optional()
  @IsTimeouts()
  readonly timeouts?: Timeouts;

  @Optional()
  @IsTime()
  readonly runAt?: number;

  /** The app's own name for the task: creating it twice answers the first creation. */
  @Optional()
  @HasLength(1, 256)
  readonly idempotencyKey?: string;
}

/** Makes a task of a type that comes with TaskManager: the fields of its subclass are the input. */
export abstract class WorkTask extends NewTask {
  /** `taskmanager` when left out. */
  @Optional()
  @IsAppName()
  readonly appName?: string;
}
