import type { AdminName } from '@taskmanager/protocol';
import { LimitTaskType } from './limit-task-type.command.js';
import { PauseTaskType } from './pause-task-type.command.js';
import { ResumeTaskType } from './resume-task-type.command.js';

/** Admin messages that decide about a task type. */
export const TASK_TYPE_COMMAND_MESSAGES: readonly {
  readonly message: AdminName;
  readonly journaled: false;
  new (): object;
}[] = [PauseTaskType, ResumeTaskType, LimitTaskType];
