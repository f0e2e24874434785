import { CommandHandler } from '@nestjs/cqrs';
import { mayHappen } from '@taskmanager/protocol';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, ProgressUpdated } from '../events/index.js';
import { type Task, factsOf } from '../task/index.js';
import { reported, saysNothingNew } from './progress-report.js';
import { requireLease } from './lease-check.js';
import { UpdateTaskProgress } from './update-task-progress.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(UpdateTaskProgress)
export class UpdateTaskProgressHandler extends TaskCommandHandler<UpdateTaskProgress> {
  decide(task: Task, command: UpdateTaskProgress, { now }: CommandContext): AnyTaskEvent[] {
    requireLease(task, command);
    const next = reported(command);
    // Where no progress may happen the table refuses it, however little it says.
    const accepted = mayHappen('ProgressUpdated', factsOf(task));
    if (accepted && task.progressReported && saysNothingNew(task, next)) return [];
    const { leaseMs } = task;
    return [
      new ProgressUpdated({
        ...next,
        // Only a task that is leased has it.
        ...(leaseMs !== undefined && { leaseExpiresAt: now + leaseMs }),
      }),
    ];
  }
}
