import type { Database, Statement } from '../../database/index.js';
import { type Kysely, sql } from 'kysely';
import type { TaskStatus } from '@taskmanager/protocol';
import type { ViewsSchema } from '../../database/index.js';
import type { GroupKey } from './task-columns.js';
import type { TaskTableNames } from './task-tables.js';

/** The part of a filter that counters answer. */
export interface GroupFilter {
  readonly statuses?: readonly TaskStatus[];
  readonly taskTypes?: readonly string[];
  readonly appName?: string;
  /** Apps whose tasks the actor may see; all when undefined. */
  readonly apps?: readonly string[];
  readonly runBy?: string;
  readonly persistent?: boolean;
  readonly mark?: GroupKey['mark'];
}

interface GroupTable {
  id: number;
  status: TaskStatus;
  task_type: string;
  app_name: string;
  run_by: string;
  persistent: number;
  mark: string;
  count: number;
}

export type GroupRow = [id: number, status: TaskStatus, taskType: string, count: number];

/** Finds the groups that a filter covers: a few hundred rows at most where programs are a few dozen. */
export class GroupFinder {
  private readonly statements = new Map<string, Statement<unknown[], GroupRow>>();

  constructor(
    private readonly db: Database,
    private readonly kysely: Kysely<ViewsSchema>,
    private readonly names: TaskTableNames,
  ) {}

  find(filter: GroupFilter): GroupRow[] {
    const { statuses, taskTypes, appName, apps, runBy, persistent, mark } = filter;
    const oneOf = (values: readonly string[]) =>
      sql<string>`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
    const table = sql<GroupTable>`${sql.table(this.names.group)}`.as('g');
    let query = this.kysely
      .selectFrom(table)
      .select(['g.id', 'g.status', 'g.task_type', 'g.count'])
      .where('g.count', '>', 0);
    if (statuses) query = query.where('g.status', 'in', oneOf(statuses) as never);
    if (taskTypes) query = query.where('g.task_type', 'in', oneOf(taskTypes));
    if (appName !== undefined) query = query.where('g.app_name', '=', appName);
    if (apps) query = query.where('g.app_name', 'in', oneOf(apps));
    if (runBy !== undefined) query = query.where('g.run_by', '=', runBy);
    if (persistent !== undefined) query = query.where('g.persistent', '=', persistent ? 1 : 0);
    if (mark !== undefined) query = query.where('g.mark', '=', mark);
    const { sql: text, parameters } = query.compile();
    let statement = this.statements.get(text);
    if (!statement) {
      statement = this.db.prepare<unknown[], GroupRow>(text).raw();
      this.statements.set(text, statement);
    }
    return statement.all(...parameters);
  }
}
