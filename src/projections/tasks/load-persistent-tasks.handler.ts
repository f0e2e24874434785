import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type TaskPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { LoadPersistentTasks } from './load-persistent-tasks.query.js';
import { FreshTasks } from './task-freshness.js';
import type { TaskPageRequest } from './task-list-filter.js';

@QueryHandler(LoadPersistentTasks)
export class LoadPersistentTasksHandler implements IQueryHandler<LoadPersistentTasks, TaskPage> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: LoadPersistentTasks): Promise<TaskPage> {
    const { after, apps } = queryContextOf(query);
    const { taskTypes, appName, cursor, limit = LIMITS.listPageDefault } = query;
    const page: TaskPageRequest = {
      // A pending task never has a lease, so the mark tells the running ones apart.
      groups: {
        taskTypes,
        appName,
        apps,
        persistent: true,
        statuses: ['pending', 'running'],
        mark: '',
      },
      sort: 'createdAt',
      order: 'asc',
      limit,
      cursor,
    };
    return this.fresh.read(after, ({ reader }) => reader.page(page));
  }
}
