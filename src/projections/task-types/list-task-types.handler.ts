import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { LIMITS, type TaskTypeInfo, type TaskTypesPage } from '@taskmanager/protocol';
import { queryContextOf } from '../../context/index.js';
import { pageByName } from '../page-by-name.js';
import { FreshTasks } from '../tasks/task-freshness.js';
import { KnownTaskTypes } from './known-task-types.js';
import { ListTaskTypes } from './list-task-types.query.js';

/** The rules from their stream, the counts from the counters of the task view. */
@QueryHandler(ListTaskTypes)
export class ListTaskTypesHandler implements IQueryHandler<ListTaskTypes, TaskTypesPage> {
  constructor(
    private readonly types: KnownTaskTypes,
    private readonly fresh: FreshTasks,
  ) {}

  async execute(query: ListTaskTypes): Promise<TaskTypesPage> {
    const { after, apps } = queryContextOf(query);
    const { taskTypes, cursor, limit = LIMITS.listPageDefault } = query;
    await this.types.ready();
    const counts = await this.fresh.read(after, ({ searches }) =>
      searches.workOf({ taskTypes, apps }),
    );
    const rules = this.types.all().map(({ taskType }) => taskType);
    const wanted = rules.filter((type) => !taskTypes || taskTypes.includes(type));
    const names = [...new Set([...wanted, ...counts.keys()])];
    const infoOf = (taskType: string): TaskTypeInfo => {
      const { paused, maxRunning } = this.types.ruleOf(taskType) ?? {};
      const { held, pending } = counts.get(taskType) ?? { held: 0, pending: 0 };
      return {
        taskType,
        ...(paused && { paused }),
        ...(maxRunning !== undefined && { maxRunning }),
        held,
        pending,
      };
    };
    const { items, nextCursor } = pageByName(names, infoOf, { cursor, limit });
    return { types: items, ...(nextCursor !== undefined && { nextCursor }) };
  }
}
