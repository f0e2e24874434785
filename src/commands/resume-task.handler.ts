import { CommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '../context/index.js';
import { type AnyTaskEvent, TaskResumed } from '../events/index.js';
import { type Task, resumedDeadlines } from '../task/index.js';
import { ResumeTask } from './resume-task.command.js';
import { TaskCommandHandler } from './task-command.handler.js';

@CommandHandler(ResumeTask)
export class ResumeTaskHandler extends TaskCommandHandler<ResumeTask> {
  decide(task: Task, { reason }: ResumeTask, { now }: CommandContext): AnyTaskEvent[] {
    return [
      new TaskResumed({
        deadlines: resumedDeadlines(task, task.statusBefore ?? 'pending', now),
        ...(reason !== undefined && { reason }),
      }),
    ];
  }
}
