import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ContextModule } from '../context/context.module.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { ProjectionsModule } from '../projections/projections.module.js';
import { PublishersModule } from '../publishers/publishers.module.js';
import { AcknowledgeCancelHandler } from './acknowledge-cancel.handler.js';
import { AcknowledgePauseHandler } from './acknowledge-pause.handler.js';
import { ApproveTaskHandler } from './approve-task.handler.js';
import { BatchHandler } from './batch.handler.js';
import { CancelTaskHandler } from './cancel-task.handler.js';
import { ClaimTasksHandler } from './claim-tasks.handler.js';
import { CleanupTasksHandler } from './cleanup-tasks.handler.js';
import { CloneRepositoryTaskHandler } from './clone-repository-task.handler.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { CreateTaskHandler } from './create-task.handler.js';
import { DeleteTaskHandler } from './delete-task.handler.js';
import { IndexRepositoryTaskHandler } from './index-repository-task.handler.js';
import { ImportFilesTaskHandler } from './import-files-task.handler.js';
import { FailTaskHandler } from './fail-task.handler.js';
import { ClaimTaskHandler } from './internal/claim-task.handler.js';
import { CleanUpEndedTasksHandler } from './internal/clean-up-ended-tasks.handler.js';
import { CleanUpTaskHandler } from './internal/clean-up-task.handler.js';
import { ImportTaskHandler } from './imports/import-task.handler.js';
import { TaskImports } from './imports/task-imports.js';
import { ExpireApprovalHandler } from './internal/expire-approval.handler.js';
import { ExpireClockHandler } from './internal/expire-clock.handler.js';
import { ExpireLeaseHandler } from './internal/expire-lease.handler.js';
import { NotifyApproversHandler } from './internal/notify-approvers.handler.js';
import { PauseRunningTaskHandler } from './internal/pause-running-task.handler.js';
import { PerformRetryHandler } from './internal/perform-retry.handler.js';
import { ScheduleRetryHandler } from './internal/schedule-retry.handler.js';
import { PauseAllRunningTasksHandler } from './pause-all-running-tasks.handler.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { RejectTaskHandler } from './reject-task.handler.js';
import { ReleaseTaskHandler } from './release-task.handler.js';
import { RenewLeaseHandler } from './renew-lease.handler.js';
import { RequestApprovalHandler } from './request-approval.handler.js';
import { ResumeLastPausedTaskHandler } from './resume-last-paused-task.handler.js';
import { ResumeTaskHandler } from './resume-task.handler.js';
import { RetryTaskHandler } from './retry-task.handler.js';
import { StartTaskHandler } from './start-task.handler.js';
import { LimitTaskTypeHandler } from './task-types/limit-task-type.handler.js';
import { PauseTaskTypeHandler } from './task-types/pause-task-type.handler.js';
import { ResumeTaskTypeHandler } from './task-types/resume-task-type.handler.js';
import { TaskTypeControl } from './task-types/task-type-control.js';
import { UpdateTaskDataHandler } from './update-task-data.handler.js';
import { UpdateTaskErrorHandler } from './update-task-error.handler.js';
import { UpdateTaskProgressHandler } from './update-task-progress.handler.js';
import { UpdateTaskStatusHandler } from './update-task-status.handler.js';
import { CommandExecutor } from './command-executor.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { StandingClaims } from './standing-claims.js';
import { TaskStreams } from './task-streams.js';

/** What handles a command on the wire. */
const HANDLERS = [
  AcknowledgeCancelHandler,
  AcknowledgePauseHandler,
  ApproveTaskHandler,
  BatchHandler,
  CancelTaskHandler,
  ClaimTasksHandler,
  CleanupTasksHandler,
  CloneRepositoryTaskHandler,
  IndexRepositoryTaskHandler,
  ImportFilesTaskHandler,
  CompleteTaskHandler,
  CreateTaskHandler,
  DeleteTaskHandler,
  FailTaskHandler,
  ImportTaskHandler,
  LimitTaskTypeHandler,
  PauseAllRunningTasksHandler,
  PauseTaskHandler,
  PauseTaskTypeHandler,
  RejectTaskHandler,
  ReleaseTaskHandler,
  RenewLeaseHandler,
  RequestApprovalHandler,
  ResumeLastPausedTaskHandler,
  ResumeTaskHandler,
  ResumeTaskTypeHandler,
  RetryTaskHandler,
  StartTaskHandler,
  UpdateTaskDataHandler,
  UpdateTaskErrorHandler,
  UpdateTaskProgressHandler,
  UpdateTaskStatusHandler,
];

/** What handles a command that only the service itself sends. */
const INTERNAL_HANDLERS = [
  ClaimTaskHandler,
  CleanUpEndedTasksHandler,
  CleanUpTaskHandler,
  ExpireApprovalHandler,
  ExpireClockHandler,
  ExpireLeaseHandler,
  NotifyApproversHandler,
  PauseRunningTaskHandler,
  PerformRetryHandler,
  ScheduleRetryHandler,
];

@Module({
  imports: [ContextModule, CqrsModule, EventStoreModule, ProjectionsModule, PublishersModule],
  providers: [
    CommandExecutor,
    RefusalRecorder,
    StandingClaims,
    TaskImports,
    TaskStreams,
    TaskTypeControl,
    ...HANDLERS,
    ...INTERNAL_HANDLERS,
  ],
})
export class CommandsModule {}
