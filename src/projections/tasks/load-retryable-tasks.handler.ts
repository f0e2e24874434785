import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type TaskPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { LoadRetryableTasks } from './load-retryable-tasks.query.js';
import { FreshTasks } from './task-freshness.js';
import type { TaskPageRequest } from './task-list-filter.js';

@QueryHandler(LoadRetryableTasks)
export class LoadRetryableTasksHandler implements IQueryHandler<LoadRetryableTasks, TaskPage> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: LoadRetryableTasks): Promise<TaskPage> {
    const { after, apps } = queryContextOf(query);
    const { taskTypes, appName, cursor, limit = LIMITS.listPageDefault } = query;
    const page: TaskPageRequest = {
      groups: {
        taskTypes,
        appName,
        apps,
        persistent: true,
        statuses: ['failed'],
        mark: 'retries_left',
      },
      sort: 'createdAt',
      order: 'asc',
      limit,
      cursor,
    };
    return this.fresh.read(after, ({ reader }) => reader.page(page));
  }
}
