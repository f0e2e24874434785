import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, TaskPaused } from '../events/index.js';
import { type Task, remainingClocks } from '../task/index.js';
import { PauseTask } from './pause-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(PauseTask)
export class PauseTaskHandler extends TaskCommandHandler<PauseTask> {
  decide(task: Task, { reason }: PauseTask, { now }: CommandContext): AnyTaskEvent[] {
    return [
      new TaskPaused({
        ...(reason !== undefined && { reason }),
        // From any other status the transition table refuses the event.
        statusBefore: task.status === 'pending' ? 'pending' : 'running',
        remaining: remainingClocks(task, now),
      }),
    ];
  }
}
