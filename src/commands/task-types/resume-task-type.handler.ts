import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { TaskTypeAnswer } from '@taskmanager/protocol';
import { TaskTypeResumed } from '../../events/index.js';
import { ResumeTaskType } from './resume-task-type.command.js';
import { TaskTypeControl } from './task-type-control.js';

@CommandHandler(ResumeTaskType)
export class ResumeTaskTypeHandler implements ICommandHandler<ResumeTaskType> {
  constructor(private readonly control: TaskTypeControl) {}

  execute(command: ResumeTaskType): Promise<TaskTypeAnswer> {
    return this.control.execute(command, (rule, { taskType, reason }) =>
      rule?.paused ? new TaskTypeResumed({ taskType, reason }) : undefined,
    );
  }
}
