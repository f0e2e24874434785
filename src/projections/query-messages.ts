import type { AdminName, QueryName } from '@taskmanager/protocol';
import { GetLogStats } from './audit/log-stats.query.js';
import { QueryAudit } from './audit/query-audit.query.js';
import { ReadEvents } from './feed/read-events.query.js';
import { ExportTask } from './history/export-task.query.js';
import { GetTaskHistory } from './history/get-task-history.query.js';
import { ListTaskTypes } from './task-types/list-task-types.query.js';
import { ExplainTask } from './tasks/explain-task.query.js';
import { GetTask } from './tasks/get-task.query.js';
import { ListStuckTasks } from './tasks/list-stuck-tasks.query.js';
import { ListTasks } from './tasks/list-tasks.query.js';
import { LoadPersistentTasks } from './tasks/load-persistent-tasks.query.js';
import { LoadRetryableTasks } from './tasks/load-retryable-tasks.query.js';
import { TaskStats } from './tasks/task-stats.query.js';
import { DiffTask } from './time-travel/diff-task.query.js';
import { GetTaskAt } from './time-travel/get-task-at.query.js';
import { ListWorkers } from './workers/list-workers.query.js';

/** A message class: its fields are validated by decorators, `message` is its name on the wire. */
export interface QueryClass<Q extends object = object> {
  readonly message: QueryName;
  new (): Q;
}

/** As a {@link QueryClass}, served under `tasks.admin.`. */
export interface AdminQueryClass<Q extends object = object> {
  readonly message: AdminName;
  new (): Q;
}

/** Every query message that transports serve. */
export const QUERY_MESSAGES: readonly QueryClass[] = [
  GetTask,
  ListTasks,
  LoadPersistentTasks,
  LoadRetryableTasks,
  GetTaskHistory,
  ExportTask,
  ReadEvents,
  ExplainTask,
  TaskStats,
  ListWorkers,
  QueryAudit,
  GetTaskAt,
  DiffTask,
];

/** Messages about tasks and their types that operate the service: only admins send them. */
export const ADMIN_QUERY_MESSAGES: readonly AdminQueryClass[] = [
  ListStuckTasks,
  ListTaskTypes,
  GetLogStats,
];
