import { CommandHandler } from '@nestjs/cqrs';
import { type CommandContext, Refusal } from '../context/index.js';
import { type AnyTaskEvent, TaskStarted } from '../events/index.js';
import type { Task } from '../task/index.js';
import { StartTask } from './start-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(StartTask)
export class StartTaskHandler extends TaskCommandHandler<StartTask> {
  decide(
    task: Task,
    { workerId, leaseMs, reason }: StartTask,
    { now }: CommandContext,
  ): AnyTaskEvent[] {
    if (leaseMs !== undefined && workerId === undefined) {
      throw new Refusal(
        'VALIDATION_FAILED',
        'A lease needs its holder: give workerId beside leaseMs.',
        {
          field: 'workerId',
        },
      );
    }
    return [
      new TaskStarted({
        attempt: task.attempt + 1,
        ...(workerId !== undefined && { workerId }),
        ...(leaseMs !== undefined && {
          leaseEpoch: (task.leaseEpoch ?? 0) + 1,
          leaseExpiresAt: now + leaseMs,
        }),
        ...(reason !== undefined && { reason }),
      }),
    ];
  }
}
