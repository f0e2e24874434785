import { type Backoff, type Json, LIMITS, type RunBy, type Timeouts } from '@taskmanager/protocol';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import {
  HasLength,
  IsAppName,
  IsBackoff,
  IsDuration,
  IsLabels,
  IsPayload,
  IsRunBy,
  IsTaskId,
  IsTaskType,
  IsTime,
  IsTimeouts,
  Optional,
} from './fields.js';

/** Brings a task into being. */
export class CreateTask {
  static readonly message = 'create_task';

  /** Chosen by the client, so that it knows the task before the answer comes. */
  @Optional()
  @IsTaskId()
  readonly id?: string;

  @HasLength(1, LIMITS.nameLength)
  readonly name: string;

  @IsTaskType()
  readonly taskType: string;

  @IsAppName()
  readonly appName: string;

  /** `worker` when persistent, else `app`. */
  @Optional()
  @IsRunBy()
  readonly runBy?: RunBy;

  @Optional()
  @IsPayload()
  readonly data?: Json;

  @Optional()
  @IsPayload()
  readonly input?: Json;

  /** Taken up again after a restart, and retried by itself. */
  @Optional()
  @IsBoolean()
  readonly persistent?: boolean;

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
