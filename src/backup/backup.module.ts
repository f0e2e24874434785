import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ContextModule } from '../context/context.module.js';
import { LogFiles } from '../event-store/index.js';
import { SqliteLogFiles } from '../event-store/sqlite/index.js';
import { BackupHandler } from './backup.handler.js';
import { Backups } from './backups.js';

/** Copies of the embedded log, made while it is written to. */
@Module({
  imports: [CqrsModule, ContextModule],
  providers: [Backups, BackupHandler, { provide: LogFiles, useClass: SqliteLogFiles }],
})
export class BackupModule {}
