import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { TaskTypeAnswer } from '@taskmanager/protocol';
import { TaskTypeLimited } from '../../events/index.js';
import { LimitTaskType } from './limit-task-type.command.js';
import { TaskTypeControl } from './task-type-control.js';

@CommandHandler(LimitTaskType)
export class LimitTaskTypeHandler implements ICommandHandler<LimitTaskType> {
  constructor(private readonly control: TaskTypeControl) {}

  execute(command: LimitTaskType): Promise<TaskTypeAnswer> {
    return this.control.execute(command, (rule, { taskType, maxRunning, reason }) =>
      (rule?.maxRunning ?? null) === maxRunning
        ? undefined
        : new TaskTypeLimited({ taskType, maxRunning, reason }),
    );
  }
}
