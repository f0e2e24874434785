import type { Database, Statement } from '../../database/index.js';
import type { Task } from '../../task/index.js';
import { groupOf, type GroupKey } from './task-columns.js';
import type { TaskTableNames } from './task-tables.js';

interface GroupRow extends GroupKey {
  readonly id: number;
}

/**
 * The counters of tasks by what most lists ask for. Kept in memory by key, counted together, and
 * written once for each write of rows, in the same transaction; a group without tasks is forgotten.
 */
export class TaskGroups {
  private readonly ids = new Map<string, number>();
  private readonly keys = new Map<number, string>();
  private readonly counts = new Map<number, number>();
  private readonly all: Statement<[], GroupRow>;
  private readonly insert: Statement<[GroupKey]>;
  private readonly add: Statement<[number, number]>;
  private readonly removeEmpty: Statement<[number]>;

  constructor(db: Database, { group }: TaskTableNames) {
    this.all = db.prepare(
      `SELECT id, status, task_type AS taskType, app_name AS appName, run_by AS runBy, persistent, mark FROM ${group}`,
    );
    this.insert = db.prepare(
      `INSERT INTO ${group} (status, task_type, app_name, run_by, persistent, mark, count)
       VALUES (@status, @taskType, @appName, @runBy, @persistent, @mark, 0)`,
    );
    this.add = db.prepare(`UPDATE ${group} SET count = count + ? WHERE id = ?`);
    this.removeEmpty = db.prepare(`DELETE FROM ${group} WHERE id = ? AND count = 0`);
  }

  reset(): void {
    this.counts.clear();
    this.ids.clear();
    this.keys.clear();
    for (const row of this.all.all()) this.keep(row.id, keyText(row));
  }

  idOf(task: Task): number {
    const key = groupOf(task);
    const text = keyText(key);
    let id = this.ids.get(text);
    if (id === undefined) {
      id = Number(this.insert.run(key).lastInsertRowid);
      this.keep(id, text);
    }
    return id;
  }

  count(id: number, difference: 1 | -1): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + difference);
  }

  writeCounts(): void {
    for (const [id, difference] of this.counts) {
      if (difference !== 0) this.add.run(difference, id);
      if (difference <= 0) this.forgetEmpty(id);
    }
    this.counts.clear();
  }

  private keep(id: number, text: string): void {
    this.ids.set(text, id);
    this.keys.set(id, text);
  }

  private forgetEmpty(id: number): void {
    if (this.removeEmpty.run(id).changes === 0) return;
    this.ids.delete(this.keys.get(id) ?? '');
    this.keys.delete(id);
  }
}

function keyText({ status, taskType, appName, runBy, persistent, mark }: GroupKey): string {
  return `${status}/${taskType}/${runBy}/${persistent}/${mark}/${appName}`;
}
