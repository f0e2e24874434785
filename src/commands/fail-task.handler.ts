import { CommandHandler } from '@nestjs/cqrs';
import type { AnyTaskEvent } from '../events/index.js';
import { type Task, failed } from '../task/index.js';
import { allowOperator } from './lease-check.js';
import { FailTask } from './fail-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(FailTask)
export class FailTaskHandler extends TaskCommandHandler<FailTask> {
  decide(task: Task, command: FailTask): AnyTaskEvent[] {
    allowOperator(task, command);
    return [failed(task, command.error, command.retryable ?? true)];
  }
}
