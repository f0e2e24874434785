import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, TaskCompleted } from '../events/index.js';
import type { Task } from '../task/index.js';
import { vote } from './approval-vote.js';
import { requireLease } from './lease-check.js';
import { CompleteTask } from './complete-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(CompleteTask)
export class CompleteTaskHandler extends TaskCommandHandler<CompleteTask> {
  decide(task: Task, command: CompleteTask, context: CommandContext): AnyTaskEvent[] {
    const completes = command.result === undefined ? {} : { result: command.result };
    if (task.status === 'waiting_for_approval') return vote(task, { completes }, context);
    requireLease(task, command);
    return [new TaskCompleted(completes)];
  }
}
