import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../context/index.js';
import type { AnyTaskEvent } from '../../events/index.js';
import { type Task, retried } from '../../task/index.js';
import { PerformRetry } from './perform-retry.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(PerformRetry)
export class PerformRetryHandler extends TaskCommandHandler<PerformRetry> {
  decide(task: Task, { attempt }: PerformRetry, { now }: CommandContext): AnyTaskEvent[] {
    // A retry is scheduled only while the task is failed and will be retried.
    const due = task.nextRetryAt !== undefined && task.nextRetryAt <= now;
    return due && task.attempt === attempt ? [retried(task)] : [];
  }
}
