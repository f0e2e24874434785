import { LIMITS, type StatsAnswer, type TaskInfo, type TaskPage } from '@taskmanager/protocol';
import type { Database, Statement } from '../../database/index.js';
import type { Kysely } from 'kysely';
import type { ViewsSchema } from '../../database/index.js';
import { type Task, toTaskInfo } from '../../task/index.js';
import type { GroupFilter } from './group-finder.js';
import { TaskList } from './task-list.js';
import { decodeCursor, encodeCursor, type TaskPageRequest } from './task-list-filter.js';
import { fullTask, PAYLOADS, rowBytes, type StateRow } from './task-row.js';
import type { TaskTableNames } from './task-tables.js';

/** A task's state as the row has it, without payloads. */
export interface FoundTask {
  readonly seq: number;
  readonly task: Task;
}

/** What queries ask of one generation of the task view. */
export class TaskReader {
  readonly list: TaskList;
  private readonly byId: Statement<[string], StateRow>;
  private readonly bySeq: Statement<[number], StateRow>;
  private readonly stateById: Statement<[string], [seq: number, state: string]>;

  constructor(db: Database, kysely: Kysely<ViewsSchema>, names: TaskTableNames) {
    this.list = new TaskList(db, kysely, names);
    const payloads = PAYLOADS.map((name) => `p.${name}`).join(', ');
    const select = `SELECT t.state, ${payloads} FROM ${names.task} t LEFT JOIN ${names.payload} p ON p.seq = t.seq`;
    this.byId = db.prepare<[string], StateRow>(`${select} WHERE t.id = ?`).raw();
    this.bySeq = db.prepare<[number], StateRow>(`${select} WHERE t.seq = ?`).raw();
    this.stateById = db
      .prepare<[string], [number, string]>(`SELECT seq, state FROM ${names.task} WHERE id = ?`)
      .raw();
  }

  get(id: string): TaskInfo | undefined {
    const row = this.byId.get(id);
    return row && toTaskInfo(fullTask(row));
  }

  find(id: string): FoundTask | undefined {
    const row = this.stateById.get(id);
    return row && { seq: row[0], task: JSON.parse(row[1]) as Task };
  }

  /** Stops at the limit, or before an answer's bytes run out, but never before the first task. */
  page(request: TaskPageRequest): TaskPage {
    const { limit } = request;
    const after = decodeCursor(request, request.cursor);
    const tasks: TaskInfo[] = [];
    let bytes = 0;
    let last = after;
    for (const key of this.list.keys(request, after, limit + 1)) {
      const row = this.bySeq.get(key[1]);
      if (!row) continue;
      bytes += rowBytes(row);
      const isFull = tasks.length === limit || (tasks.length > 0 && bytes > LIMITS.answerBytes);
      if (isFull && last) return { tasks, nextCursor: encodeCursor(request, last) };
      tasks.push(toTaskInfo(fullTask(row)));
      last = key;
    }
    return { tasks };
  }

  stats(filter: GroupFilter): StatsAnswer {
    const byStatus: Partial<Record<TaskInfo['status'], number>> = {};
    // Without a prototype: `constructor` is a task type like any other.
    const byType = Object.create(null) as Record<
      string,
      Partial<Record<TaskInfo['status'], number>>
    >;
    let total = 0;
    for (const [, status, taskType, count] of this.list.groups.find(filter)) {
      total += count;
      byStatus[status] = (byStatus[status] ?? 0) + count;
      const ofType = (byType[taskType] ??= {});
      ofType[status] = (ofType[status] ?? 0) + count;
    }
    return { total, byStatus, byType };
  }
}
