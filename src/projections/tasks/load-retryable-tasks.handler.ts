import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type TaskPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { LoadRetryableTasks } from './load-retryable-tasks.query.js';
import { FreshTasks } from './task-freshness.js';

@QueryHandler(LoadRetryableTasks)
export class LoadRetryableTasksHandler implements IQueryHandler<LoadRetryableTasks, TaskPage> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: LoadRetryableTasks): Promise<TaskPage> {
    const { after, apps } = queryContextOf(query);
    const { reader } = await this.fresh.at(after);
    const { taskTypes, cursor, limit = LIMITS.listPageDefault } = query;
    return reader.page({
      groups: { taskTypes, apps, persistent: true, statuses: ['failed'], mark: 'retries_left' },
      sort: 'createdAt',
      order: 'asc',
      limit,
      cursor,
    });
  }
}
