import { CommandHandler } from '@nestjs/cqrs';
import { type CommandContext, Refusal } from '../context/index.js';
import type { AnyTaskEvent } from '../events/index.js';
import { type Task, retried } from '../task/index.js';
import { RetryTask } from './retry-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(RetryTask)
export class RetryTaskHandler extends TaskCommandHandler<RetryTask> {
  decide(task: Task, { reason, force }: RetryTask, { actor }: CommandContext): AnyTaskEvent[] {
    if (force === true && !actor.roles.includes('admin')) {
      throw new Refusal('FORBIDDEN', `Only an admin may force a retry, and ${actor.id} is none.`, {
        taskId: task.id,
      });
    }
    if (force === true && reason === undefined) {
      throw new Refusal(
        'VALIDATION_FAILED',
        `Forcing a retry of task ${task.id} needs a reason, which its history keeps.`,
        { field: 'reason' },
      );
    }
    if (task.status === 'failed' && task.retryCount >= task.maxRetries && force !== true) {
      throw new Refusal(
        'INVALID_TRANSITION',
        `Task ${task.id} has used its ${task.maxRetries} retries; an admin may force one more, with a reason.`,
        { taskId: task.id, status: task.status, reason: 'retries_used_up' },
      );
    }
    return [retried(task, reason)];
  }
}
