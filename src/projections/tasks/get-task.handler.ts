import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { TaskInfo } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { TaskHistories } from '../history/task-histories.js';
import { maySee, taskNotFound } from '../visibility.js';
import { GetTask } from './get-task.query.js';
import { FreshTasks } from './task-freshness.js';

/** Another app's task is not found rather than forbidden: whether it exists is nobody else's business. */
@QueryHandler(GetTask)
export class GetTaskHandler implements IQueryHandler<GetTask, TaskInfo> {
  constructor(
    private readonly fresh: FreshTasks,
    private readonly histories: TaskHistories,
  ) {}

  async execute(query: GetTask): Promise<TaskInfo> {
    const { after, apps } = queryContextOf(query);
    const found = await this.fresh.read(after, ({ reader }) => reader.get(query.id));
    const task = found ?? (await this.histories.readImported(query.id, apps));
    // An imported task may have been deleted where it came from.
    if (!task || task.status === 'deleted' || !maySee(apps, task.appName))
      throw taskNotFound(query.id);
    return task;
  }
}
