import { CommandHandler } from '@nestjs/cqrs';
import { LIMITS } from '@taskmanager/protocol';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, TaskLeaseRenewed } from '../events/index.js';
import type { Task } from '../task/index.js';
import { requireLease } from './lease-check.js';
import { RenewLease } from './renew-lease.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(RenewLease)
export class RenewLeaseHandler extends TaskCommandHandler<RenewLease> {
  decide(task: Task, command: RenewLease, { now }: CommandContext): AnyTaskEvent[] {
    requireLease(task, command);
    const leaseMs = command.leaseMs ?? task.leaseMs ?? LIMITS.leaseMsDefault;
    return [
      new TaskLeaseRenewed({
        leaseExpiresAt: now + leaseMs,
        ...(command.checkpoint !== undefined && { checkpoint: command.checkpoint }),
      }),
    ];
  }
}
