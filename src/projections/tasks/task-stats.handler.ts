import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { StatsAnswer } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { FreshTasks } from './task-freshness.js';
import { TaskStats } from './task-stats.query.js';

@QueryHandler(TaskStats)
export class TaskStatsHandler implements IQueryHandler<TaskStats, StatsAnswer> {
  constructor(private readonly fresh: FreshTasks) {}

  async execute(query: TaskStats): Promise<StatsAnswer> {
    const { after, apps } = queryContextOf(query);
    const { taskTypes, appName } = query;
    return this.fresh.read(after, ({ reader }) => reader.stats({ taskTypes, appName, apps }));
  }
}
