import { type Json, LIMITS, type RunBy } from '@taskmanager/protocol';
import { IsBoolean } from 'class-validator';
import { HasLength, IsAppName, IsPayload, IsRunBy, IsTaskType, Optional } from './fields.js';
import { NewTask } from './new-task.js';

/** Brings a task into being. */
export class CreateTask extends NewTask {
  static readonly message = 'create_task';

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
  readonly input?: Json;

  /** Taken up again after a restart, and retried by itself. */
  @Optional()
  @IsBoolean()
  readonly persistent?: boolean;
}
