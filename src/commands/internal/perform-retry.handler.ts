import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../context/index.js';
import type { AnyTaskEvent } from '../../events/index.js';
import { type Task, retried } from '../../task/index.js';
import { PerformRetry } from './perform-retry.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(PerformRetry)
export class PerformRetryHandler extends TaskCommandHandler<PerformRetry> {
  decide(task: Task, { attempt }: PerformRetry, { now }: CommandContext): AnyTaskEvent[] {
    const scheduled = task.status === 'failed' && task.willRetry && task.attempt === attempt;
    const due = task.nextRetryAt !== undefined && task.nextRetryAt <= now;
    return scheduled && due ? [retried(task)] : [];
  }
}
