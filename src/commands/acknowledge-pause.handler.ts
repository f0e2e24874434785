import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskPauseAcknowledged, TaskReleased } from '../events/index.js';
import type { Task } from '../task/index.js';
import { requireLease } from './lease-check.js';
import { AcknowledgePause } from './acknowledge-pause.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(AcknowledgePause)
export class AcknowledgePauseHandler extends TaskCommandHandler<AcknowledgePause> {
  decide(task: Task, command: AcknowledgePause): AnyTaskEvent[] {
    const checkpoint = command.checkpoint === undefined ? {} : { checkpoint: command.checkpoint };
    // An app says so without a lease; twice, or after the resume, it says nothing new.
    const late = task.status === 'running' || task.pauseAcknowledged === true;
    if (!task.leased && command.leaseEpoch === undefined && late) return [];
    requireLease(task, command);
    return task.status === 'running'
      ? [new TaskReleased({ ...checkpoint, reason: 'paused, and resumed before it had stopped' })]
      : [new TaskPauseAcknowledged(checkpoint)];
  }
}
