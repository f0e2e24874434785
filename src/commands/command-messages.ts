import { AcknowledgeCancel } from './acknowledge-cancel.command.js';
import { AcknowledgePause } from './acknowledge-pause.command.js';
import { ApproveTask } from './approve-task.command.js';
import { CancelTask } from './cancel-task.command.js';
import { ClaimTasks } from './claim-tasks.command.js';
import { CleanupTasks } from './cleanup-tasks.command.js';
import { CloneRepositoryTask } from './clone-repository-task.command.js';
import { CompleteTask } from './complete-task.command.js';
import { CreateTask } from './create-task.command.js';
import { DeleteTask } from './delete-task.command.js';
import { FailTask } from './fail-task.command.js';
import { IndexRepositoryTask } from './index-repository-task.command.js';
import { ImportFilesTask } from './import-files-task.command.js';
import { PauseAllRunningTasks } from './pause-all-running-tasks.command.js';
import { PauseTask } from './pause-task.command.js';
import { RejectTask } from './reject-task.command.js';
import { ReleaseTask } from './release-task.command.js';
import { RenewLease } from './renew-lease.command.js';
import { RequestApproval } from './request-approval.command.js';
import { ResumeLastPausedTask } from './resume-last-paused-task.command.js';
import { ResumeTask } from './resume-task.command.js';
import { RetryTask } from './retry-task.command.js';
import { StartTask } from './start-task.command.js';
import type { CommandClass } from './task-command.js';
import { UpdateTaskData } from './update-task-data.command.js';
import { UpdateTaskError } from './update-task-error.command.js';
import { UpdateTaskProgress } from './update-task-progress.command.js';
import { UpdateTaskStatus } from './update-task-status.command.js';

/** Commands about one task: what a batch may hold. */
export const TASK_COMMAND_MESSAGES: readonly CommandClass[] = [
  CreateTask,
  CloneRepositoryTask,
  IndexRepositoryTask,
  ImportFilesTask,
  UpdateTaskStatus,
  UpdateTaskProgress,
  UpdateTaskError,
  UpdateTaskData,
  StartTask,
  PauseTask,
  ResumeTask,
  CancelTask,
  DeleteTask,
  CompleteTask,
  FailTask,
  RetryTask,
  RequestApproval,
  ApproveTask,
  RejectTask,
  RenewLease,
  ReleaseTask,
  AcknowledgePause,
  AcknowledgeCancel,
];

/** Every command message but `batch`, which is made of these. */
export const COMMAND_MESSAGES: readonly CommandClass[] = [
  ...TASK_COMMAND_MESSAGES,
  ClaimTasks,
  PauseAllRunningTasks,
  CleanupTasks,
  ResumeLastPausedTask,
];
