import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../../context/index.js';
import { type AnyTaskEvent, TaskStarted } from '../../events/index.js';
import type { Task } from '../../task/index.js';
import { TaskCommandHandler } from '../task-command.handler.js';
import { ClaimTask } from './claim-task.command.js';

@CommandHandler(ClaimTask)
export class ClaimTaskHandler extends TaskCommandHandler<ClaimTask> {
  decide(
    task: Task,
    { workerId, leaseMs, claimId }: ClaimTask,
    { now, gone }: CommandContext,
  ): AnyTaskEvent[] {
    // The last look before the append: nobody would work on it until the lease is over.
    if (gone?.aborted) return [];
    const free = task.status === 'pending' && task.runBy === 'worker' && (task.runAt ?? 0) <= now;
    if (!free) return [];
    return [
      new TaskStarted({
        attempt: task.attempt + 1,
        workerId,
        leaseEpoch: (task.leaseEpoch ?? 0) + 1,
        leaseExpiresAt: now + leaseMs,
        claimId,
      }),
    ];
  }
}
