import { CommandHandler } from '@nestjs/cqrs';
import { LIMITS } from '@taskmanager/protocol';
import type { CommandContext } from '../../context/index.js';
import { type AnyTaskEvent, TaskLeaseExpired } from '../../events/index.js';
import { type Task, failed } from '../../task/index.js';
import { ExpireLease } from './expire-lease.command.js';
import { TaskCommandHandler } from '../task-command.handler.js';

@CommandHandler(ExpireLease)
export class ExpireLeaseHandler extends TaskCommandHandler<ExpireLease> {
  decide(task: Task, { leaseEpoch }: ExpireLease, { now }: CommandContext): AnyTaskEvent[] {
    const present = task.leased && task.leaseEpoch === leaseEpoch;
    if (!present || task.leaseExpiresAt === undefined || task.leaseExpiresAt > now) return [];
    const stalled = task.status === 'running' && task.leaseUsed;
    const stallCount = task.stallCount + (stalled ? 1 : 0);
    const { workerId } = task;
    const expired = new TaskLeaseExpired({
      stallCount,
      leaseEpoch,
      ...(workerId !== undefined && { workerId }),
    });
    if (stallCount <= LIMITS.maxStalls) return [expired];
    return [
      expired,
      failed(task, `Stalled ${stallCount} times: its workers were not heard of in time.`, false),
    ];
  }
}
