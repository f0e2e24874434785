import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { TaskInfo } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { TaskHistories } from '../history/task-histories.js';
import { GetTaskAt } from './get-task-at.query.js';
import { tasksAt } from './task-past.js';
import { pointOf } from './task-point.js';

/** Answers from the log: no view is asked, so it is never behind. */
@QueryHandler(GetTaskAt)
export class GetTaskAtHandler implements IQueryHandler<GetTaskAt, TaskInfo> {
  constructor(private readonly histories: TaskHistories) {}

  async execute(query: GetTaskAt): Promise<TaskInfo> {
    const point = pointOf(query, ['revision', 'at']);
    const [task] = await tasksAt(this.histories, query.id, [point], queryContextOf(query).apps);
    return task as TaskInfo;
  }
}
