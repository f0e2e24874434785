import { CommandHandler } from '@nestjs/cqrs';
import { type AnyTaskEvent, TaskReleased } from '../events/index.js';
import type { Task } from '../task/index.js';
import { requireLease } from './lease-check.js';
import { ReleaseTask } from './release-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(ReleaseTask)
export class ReleaseTaskHandler extends TaskCommandHandler<ReleaseTask> {
  decide(task: Task, command: ReleaseTask): AnyTaskEvent[] {
    requireLease(task, command);
    const { checkpoint, reason } = command;
    return [
      new TaskReleased({
        ...(checkpoint !== undefined && { checkpoint }),
        ...(reason !== undefined && { reason }),
      }),
    ];
  }
}
