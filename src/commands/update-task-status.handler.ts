import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import type { AnyTaskEvent } from '../events/index.js';
import { type Task, evolve } from '../task/index.js';
import { CancelTaskHandler } from './cancel-task.handler.js';
import { CommandExecutor } from './command-executor.js';
import { CompleteTaskHandler } from './complete-task.handler.js';
import { FailTaskHandler } from './fail-task.handler.js';
import { allowOperator } from './lease-check.js';
import { PauseTaskHandler } from './pause-task.handler.js';
import { RequestApprovalHandler } from './request-approval.handler.js';
import { ResumeTaskHandler } from './resume-task.handler.js';
import { RetryTaskHandler } from './retry-task.handler.js';
import { StartTaskHandler } from './start-task.handler.js';
import { TaskCommandHandler } from './task-command.handler.js';
import { UpdateTaskStatus } from './update-task-status.command.js';

/** The general door: each status is reached through the one command that leads there. */
@CommandHandler(UpdateTaskStatus)
export class UpdateTaskStatusHandler extends TaskCommandHandler<UpdateTaskStatus> {
  constructor(
    executor: CommandExecutor,
    private readonly start: StartTaskHandler,
    private readonly resume: ResumeTaskHandler,
    private readonly pause: PauseTaskHandler,
    private readonly complete: CompleteTaskHandler,
    private readonly fail: FailTaskHandler,
    private readonly cancel: CancelTaskHandler,
    private readonly requestApproval: RequestApprovalHandler,
    private readonly retry: RetryTaskHandler,
  ) {
    super(executor);
  }

  decide(task: Task, command: UpdateTaskStatus, context: CommandContext): AnyTaskEvent[] {
    const { id, status, error, result, reason, workerId, leaseEpoch } = command;
    const restarts = status === 'running' && !task.leased;
    if (task.status === status && !restarts) return [];
    // A worker whose lease is over neither starts, pauses nor cancels what is no longer its own.
    allowOperator(task, command);
    const sender = {
      id,
      ...(workerId !== undefined && { workerId }),
      ...(leaseEpoch !== undefined && { leaseEpoch }),
    };
    const why = { id, ...(reason !== undefined && { reason }) };
    switch (status) {
      case 'running':
        return task.status === 'paused'
          ? this.resumeToRunning(task, why, context)
          : this.start.decide(task, why, context);
      case 'paused':
        return this.pause.decide(task, why, context);
      case 'completed':
        return this.complete.decide(task, { ...sender, result }, context);
      case 'failed':
        return this.fail.decide(task, {
          ...sender,
          error: error ?? task.error ?? 'Failed, and no error was given.',
        });
      case 'cancelled':
        return this.cancel.decide(task, why);
      case 'waiting_for_approval':
        return this.requestApproval.decide(task, sender, context);
      case 'pending':
        return this.retry.decide(task, why, context);
      case 'deleted':
        // Not a status that the message accepts.
        return [];
    }
  }

  /** An app that wants to run its task again does not care that it was paused before it began. */
  private resumeToRunning(
    task: Task,
    why: { readonly id: string; readonly reason?: string },
    context: CommandContext,
  ): AnyTaskEvent[] {
    const [resumed] = this.resume.decide(task, why, context);
    if (!resumed) return [];
    if (task.runBy === 'worker' || task.statusBefore !== 'pending') return [resumed];
    const pending = evolve(task, {
      taskId: task.id,
      revision: task.revision + 1,
      event: resumed,
      metadata: { timestamp: context.now, actor: context.actor },
    });
    return [resumed, ...this.start.decide(pending, { id: task.id }, context)];
  }
}
