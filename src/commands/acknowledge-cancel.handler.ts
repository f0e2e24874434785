import { CommandHandler } from '@nestjs/cqrs';
import { Refusal } from '../context/index.js';
import { type AnyTaskEvent, TaskCancelAcknowledged } from '../events/index.js';
import type { Task } from '../task/index.js';
import { AcknowledgeCancel } from './acknowledge-cancel.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(AcknowledgeCancel)
export class AcknowledgeCancelHandler extends TaskCommandHandler<AcknowledgeCancel> {
  decide(task: Task, { leaseEpoch }: AcknowledgeCancel): AnyTaskEvent[] {
    const over = task.status === 'cancelled' || task.status === 'deleted';
    if (over && task.cancelAcknowledged !== false) return [];
    // The lease ended with the task, but only its last holder can have stopped.
    if (over && leaseEpoch !== task.cancelledEpoch) {
      throw new Refusal(
        'LEASE_LOST',
        `Only the worker of lease ${task.cancelledEpoch ?? 'none'} can say that task ${task.id} has stopped.`,
        { taskId: task.id, status: task.status },
      );
    }
    return [new TaskCancelAcknowledged({})];
  }
}
