import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import type { TaskDiff, TaskInfo } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { TaskHistories } from '../history/task-histories.js';
import { DiffTask } from './diff-task.query.js';
import { taskChanges } from './task-changes.js';
import { NOW, tasksAt } from './task-past.js';
import { pointOf } from './task-point.js';

/** The two points may lie in any order: the changes lead from `from` to `to`. */
@QueryHandler(DiffTask)
export class DiffTaskHandler implements IQueryHandler<DiffTask, TaskDiff> {
  constructor(private readonly histories: TaskHistories) {}

  async execute(query: DiffTask): Promise<TaskDiff> {
    const { id, fromRevision, fromAt, toRevision, toAt } = query;
    const from = pointOf({ revision: fromRevision, at: fromAt }, ['fromRevision', 'fromAt']);
    const isNow = toRevision === undefined && toAt === undefined;
    const to = isNow ? NOW : pointOf({ revision: toRevision, at: toAt }, ['toRevision', 'toAt']);
    const tasks = await tasksAt(this.histories, id, [from, to], queryContextOf(query).apps);
    const [before, after] = tasks as [TaskInfo, TaskInfo];
    return {
      taskId: id,
      from: { revision: before.revision, at: before.updatedAt },
      to: { revision: after.revision, at: after.updatedAt },
      changes: taskChanges(before, after),
    };
  }
}
