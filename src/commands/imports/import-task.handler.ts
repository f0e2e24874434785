import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ImportAnswer } from '@taskmanager/protocol';
import { ImportTask } from './import-task.command.js';
import { TaskImports } from './task-imports.js';

@CommandHandler(ImportTask)
export class ImportTaskHandler implements ICommandHandler<ImportTask> {
  constructor(private readonly imports: TaskImports) {}

  execute(command: ImportTask): Promise<ImportAnswer> {
    return this.imports.take(command);
  }
}
