import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { TaskTypeAnswer } from '@taskmanager/protocol';
import { TaskTypePaused } from '../../events/index.js';
import { PauseTaskType } from './pause-task-type.command.js';
import { TaskTypeControl } from './task-type-control.js';

@CommandHandler(PauseTaskType)
export class PauseTaskTypeHandler implements ICommandHandler<PauseTaskType> {
  constructor(private readonly control: TaskTypeControl) {}

  execute(command: PauseTaskType): Promise<TaskTypeAnswer> {
    return this.control.execute(command, (rule, { taskType, reason }) =>
      rule?.paused ? undefined : new TaskTypePaused({ taskType, reason }),
    );
  }
}
