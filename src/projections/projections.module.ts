import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ImportedTasks } from '../commands/imported-tasks.port.js';
import { TaskFinder } from '../commands/task-finder.port.js';
import { TaskTypes } from '../commands/task-types.port.js';
import { Workers } from '../commands/workers.port.js';
import { Settings } from '../config/index.js';
import { ContextModule } from '../context/context.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventStoreModule } from '../event-store/event-store.module.js';
import { ProcessingModule } from '../processing/processing.module.js';
import { HistoryWitness } from '../proof/history-witness.port.js';
import { AuditReader } from './audit/audit-reader.js';
import { AuditWitness } from './audit/audit-witness.js';
import { AuditProjection } from './audit/audit.projection.js';
import { LogPlace } from './audit/log-place.js';
import { GetLogStatsHandler } from './audit/log-stats.handler.js';
import { QueryAuditHandler } from './audit/query-audit.handler.js';
import { FeedTail } from './feed/feed-tail.js';
import { ReadEventsHandler } from './feed/read-events.handler.js';
import { ExportTaskHandler } from './history/export-task.handler.js';
import { GetTaskHistoryHandler } from './history/get-task-history.handler.js';
import { TaskHistories } from './history/task-histories.js';
import { KnownImports } from './imports/known-imports.js';
import { KnownTaskTypes } from './task-types/known-task-types.js';
import { ListTaskTypesHandler } from './task-types/list-task-types.handler.js';
import { ClaimSlots } from './tasks/claim-slots.js';
import { ClaimWaiters } from './tasks/claim-waiters.js';
import { ExplainTaskHandler } from './tasks/explain-task.handler.js';
import { GetTaskHandler } from './tasks/get-task.handler.js';
import { ListStuckTasksHandler } from './tasks/list-stuck-tasks.handler.js';
import { ListTasksHandler } from './tasks/list-tasks.handler.js';
import { LoadPersistentTasksHandler } from './tasks/load-persistent-tasks.handler.js';
import { LoadRetryableTasksHandler } from './tasks/load-retryable-tasks.handler.js';
import { ViewTaskFinder } from './tasks/task-finder.js';
import { FreshTasks } from './tasks/task-freshness.js';
import { TaskProjection } from './tasks/task.projection.js';
import { TaskStatsHandler } from './tasks/task-stats.handler.js';
import { ViewTimerQueue } from './tasks/view-timer-queue.js';
import { DiffTaskHandler } from './time-travel/diff-task.handler.js';
import { GetTaskAtHandler } from './time-travel/get-task-at.handler.js';
import { KnownWorkers } from './workers/known-workers.js';
import { ListWorkersHandler } from './workers/list-workers.handler.js';

const QUERY_HANDLERS = [
  GetTaskHandler,
  ExplainTaskHandler,
  ListTasksHandler,
  ListStuckTasksHandler,
  LoadPersistentTasksHandler,
  LoadRetryableTasksHandler,
  TaskStatsHandler,
  GetTaskHistoryHandler,
  ExportTaskHandler,
  ReadEventsHandler,
  ListTaskTypesHandler,
  ListWorkersHandler,
  QueryAuditHandler,
  GetLogStatsHandler,
  GetTaskAtHandler,
  DiffTaskHandler,
];

/** The read models and the queries that they answer. */
@Module({
  imports: [CqrsModule, ContextModule, EventStoreModule, DatabaseModule, ProcessingModule],
  providers: [
    TaskProjection,
    AuditProjection,
    AuditReader,
    { provide: HistoryWitness, useClass: AuditWitness },
    { provide: LogPlace, useFactory: logPlace, inject: [Settings] },
    ClaimSlots,
    ClaimWaiters,
    KnownImports,
    KnownTaskTypes,
    KnownWorkers,
    TaskHistories,
    FreshTasks,
    FeedTail,
    ViewTaskFinder,
    ViewTimerQueue,
    { provide: ImportedTasks, useExisting: KnownImports },
    { provide: TaskFinder, useExisting: ViewTaskFinder },
    { provide: TaskTypes, useExisting: KnownTaskTypes },
    { provide: Workers, useExisting: KnownWorkers },
    ...QUERY_HANDLERS,
  ],
  exports: [HistoryWitness, ImportedTasks, TaskFinder, TaskHistories, TaskTypes, Workers],
})
export class ProjectionsModule {}

function logPlace({ eventStore, dataDir }: Settings): LogPlace {
  return { kind: eventStore, file: eventStore === 'sqlite' ? join(dataDir, 'log.db') : undefined };
}
