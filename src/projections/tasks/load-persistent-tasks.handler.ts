import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type TaskPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { LoadPersistentTasks } from './load-persistent-tasks.query.js';
import { FreshTasks } from './task-freshness.js';

@QueryHandler(LoadPersistentTasks)
export class LoadPersistentTasksHandler implements IQueryHandler<LoadPersistentTasks, TaskPage> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: LoadPersistentTasks): Promise<TaskPage> {
    const { after, apps } = queryContextOf(query);
    const { reader } = await this.fresh.at(after);
    const { taskTypes, cursor, limit = LIMITS.listPageDefault } = query;
    return reader.page({
      // A pending task never has a lease, so the mark tells the running ones apart.
      groups: { taskTypes, apps, persistent: true, statuses: ['pending', 'running'], mark: '' },
      sort: 'createdAt',
      order: 'asc',
      limit,
      cursor,
    });
  }
}
