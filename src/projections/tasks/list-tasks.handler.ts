import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type TaskPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { ListTasks } from './list-tasks.query.js';
import { FreshTasks } from './task-freshness.js';
import { defaultOrder, type TaskPageRequest } from './task-list-filter.js';

@QueryHandler(ListTasks)
export class ListTasksHandler implements IQueryHandler<ListTasks, TaskPage> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: ListTasks): Promise<TaskPage> {
    const { after, apps } = queryContextOf(query);
    const { statuses, taskTypes, appName, runBy, persistent, sort = 'createdAt', ...rest } = query;
    const page: TaskPageRequest = {
      ...rest,
      groups: { statuses, taskTypes, appName, apps, runBy, persistent },
      sort,
      order: query.order ?? defaultOrder(sort),
      limit: query.limit ?? LIMITS.listPageDefault,
    };
    return this.fresh.read(after, ({ reader }) => reader.page(page));
  }
}
