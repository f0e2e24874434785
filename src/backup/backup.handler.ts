import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobAnswer } from '@taskmanager/protocol';
import { Backup } from './backup.command.js';
import { Backups } from './backups.js';

@CommandHandler(Backup)
export class BackupHandler implements ICommandHandler<Backup> {
  constructor(private readonly backups: Backups) {}

  async execute(command: Backup): Promise<JobAnswer> {
    return this.backups.start(command);
  }
}
