import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { TaskInfo } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { maySee, taskNotFound } from '../visibility.js';
import { GetTask } from './get-task.query.js';
import { FreshTasks } from './task-freshness.js';

/** Another app's task is not found rather than forbidden: whether it exists is nobody else's business. */
@QueryHandler(GetTask)
export class GetTaskHandler implements IQueryHandler<GetTask, TaskInfo> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: GetTask): Promise<TaskInfo> {
    const { after, apps } = queryContextOf(query);
    const task = await this.fresh.read(after, ({ reader }) => reader.get(query.id));
    if (!task || !maySee(apps, task.appName)) throw taskNotFound(query.id);
    return task;
  }
}
