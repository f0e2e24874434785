import { Global, Module } from '@nestjs/common';
import { ContextModule } from '../context/context.module.js';
import { AdminJournal } from '../context/index.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { StreamAdminJournal } from './admin-journal.js';

/** Where admin messages are written down, for whoever serves them. */
@Global()
@Module({
  imports: [ContextModule, EventStoreModule],
  providers: [{ provide: AdminJournal, useClass: StreamAdminJournal }],
  exports: [AdminJournal],
})
export class AdminJournalModule {}
